package dev.trestle.examples;

import java.io.PrintWriter;
import java.io.StringWriter;

/** An example that has been run in this JVM. */
record Run(int exitCode, String out, String err) {

    static Run of(String... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        int exitCode = Examples.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
        return new Run(exitCode, out.toString(), err.toString());
    }
}
