package dev.trestle.processpool.wire;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The command line of a program whose {@code main} a worker runs in a JVM of its own: the worker's own command line,
 * and after it these arguments.
 *
 * @param parent the process id of the worker
 * @param mainClass the name of the class
 * @param arguments the arguments of {@code main}
 */
public record MainArguments(long parent, String mainClass, List<String> arguments) {

    /*
     * A worker was started with an argument file, which has all that its JVM needs: the classes, the modules, the
     * options of the pool, and the loader of a jar with jars within. A JVM that is started with the same file has the
     * same, and its first arguments are those of the worker; what comes after SIGN makes it no worker.
     */

    /** The system property by which a worker knows the file of its journal, next to that of its arguments. */
    public static final String PROPERTY = "trestle.journal";

    private static final String SIGN = "--main";

    /** Stands before each argument, which a launcher would not take as it is if it were empty or began with an @. */
    private static final String MARK = "=";

    /** Copies the list. */
    public MainArguments {
        arguments = List.copyOf(arguments);
    }

    /** Returns the argument file of a worker. */
    public static Path fileBeside(Path journal) {
        String name = String.valueOf(journal.getFileName());
        return journal.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".args");
    }

    /** Returns these as arguments of a command, in ASCII. */
    public List<String> encode() {
        var encoded = new ArrayList<String>();
        encoded.add(SIGN);
        encoded.add(Long.toString(parent));
        encoded.add(AsciiText.encode(mainClass));
        for (String each : arguments) {
            encoded.add(MARK + AsciiText.encode(each));
        }
        return encoded;
    }

    /** Returns the position of these in the arguments of a worker; their number if there are none. */
    public static int begin(String[] all) {
        int at = 0;
        while (at < all.length && !all[at].equals(SIGN)) {
            at++;
        }
        return at;
    }

    /** Reads the result of {@link #encode}; null if this is a worker. */
    public static @Nullable MainArguments decode(String[] all) {
        int begin = begin(all);
        if (begin == all.length) {
            return null;
        }
        var arguments = new ArrayList<String>();
        for (int i = begin + 3; i < all.length; i++) {
            arguments.add(AsciiText.decode(all[i].substring(MARK.length())));
        }
        return new MainArguments(Long.parseLong(all[begin + 1]), AsciiText.decode(all[begin + 2]), arguments);
    }
}
