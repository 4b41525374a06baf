package dev.trestle.examples;

import static java.util.Objects.requireNonNull;

import dev.trestle.examples.documents.DocumentsCommand;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Runs one of the examples: {@code mvn -q -DskipTests package exec:exec -Dexample=census -Dargs="--workers 2"}. Without
 * a name it lists them.
 *
 * <p>Exit codes: 0 if all went well, 1 if the example failed, 2 if it was called the wrong way; then one line on the
 * standard error says what was wrong.
 */
@Command(
        name = "examples",
        customSynopsis = "mvn -q -DskipTests package exec:exec -Dexample=<name> [-Dargs=\"<arguments>\"]",
        description = "Runs an example of Trestle.",
        subcommands = {CensusCommand.class, ClusterCensusCommand.class, DocumentsCommand.class})
final class Examples implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private Examples() {}

    /**
     * Runs an example and ends the JVM.
     *
     * @param args the name of the example, and its arguments
     */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        var commandLine = new CommandLine(new Examples());
        for (ShortProgram shortProgram : ShortProgram.values()) {
            commandLine.addSubcommand(shortProgram.title(), shortProgram.command());
        }
        return commandLine.setParameterExceptionHandler((wrong, _) -> explain(wrong));
    }

    /** Lists the examples; called if the command line names none. */
    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getOut());
        return CommandLine.ExitCode.OK;
    }

    private static int explain(ParameterException wrong) {
        CommandLine command = wrong.getCommandLine();
        boolean example = command.getParent() != null;
        String remedy = example
                ? "see '" + command.getCommandName() + " --help'"
                : "there are: " + String.join(", ", command.getSubcommands().keySet());
        command.getErr().println(command.getCommandName() + ": " + message(wrong, example) + " (" + remedy + ")");
        return CommandLine.ExitCode.USAGE;
    }

    private static String message(ParameterException wrong, boolean example) {
        if (!(wrong instanceof UnmatchedArgumentException unmatched)) {
            return requireNonNull(wrong.getMessage());
        }
        String first = "'" + unmatched.getUnmatched().getFirst() + "'";
        List<String> suggestions = unmatched.getSuggestions();
        return (example ? "There is no option " : "There is no example ")
                + first
                + (suggestions.isEmpty() ? "" : ", did you mean " + suggestions.getFirst() + "?");
    }
}
