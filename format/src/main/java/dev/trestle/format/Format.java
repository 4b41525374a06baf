package dev.trestle.format;

import dev.trestle.format.Sources.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The program that formats every Java source below a directory in place, and names what it changed. */
final class Format {

    private Format() {}

    /** Takes the directory; ends with 1 when it met a file that it cannot read. */
    public static void main(String[] args) throws IOException {
        var root = Path.of(args[0]).toRealPath();
        var unreadable = 0;
        for (var finding : Sources.below(root).check()) {
            switch (finding) {
                case Finding.Unformatted(var file, var formatted) -> {
                    Files.writeString(root.resolve(file), formatted);
                    IO.println("formatted " + file);
                }
                case Finding.Unreadable(var file, var reason) -> {
                    unreadable++;
                    IO.println("cannot read " + file + ": " + reason);
                }
            }
        }
        System.exit(unreadable == 0 ? 0 : 1);
    }
}
