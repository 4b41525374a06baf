package dev.trestle.format;

import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.FormatterException;
import com.palantir.javaformat.java.JavaFormatterOptions;
import com.palantir.javaformat.java.JavaFormatterOptions.Style;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The Java sources below a directory, build output and hidden directories aside. */
record Sources(Path root, List<Path> files) {

    /** An action on a file, which is named relative to the root. */
    sealed interface Finding {

        Path file();

        /** The file is fine Java in another format. */
        record Unformatted(Path file, String formatted) implements Finding {}

        /** The formatter cannot read the file. */
        record Unreadable(Path file, String reason) implements Finding {}
    }

    private static final Formatter FORMATTER = Formatter.createFormatter(
            JavaFormatterOptions.builder().style(Style.PALANTIR).build());

    static Sources below(Path root) throws IOException {
        var files = new ArrayList<Path>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                var name = directory.getFileName().toString();
                var skipped = !directory.equals(root) && (name.equals("target") || name.startsWith("."));
                return skipped ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".java")) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return new Sources(root, files.stream().sorted().toList());
    }

    /** Returns the violations, in the order of the files' names. */
    List<Finding> check() {
        return files.parallelStream().map(this::check).flatMap(Optional::stream).toList();
    }

    /** Returns the lines that are too long, which the formatter cannot wrap, in the order of the files' names. */
    List<LongLine> longLines() {
        return files.parallelStream().flatMap(this::longLines).toList();
    }

    private Stream<LongLine> longLines(Path path) {
        try {
            return LongLine.in(root.relativize(path), Files.readString(path)).stream();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + path + " to measure its lines", e);
        }
    }

    private Optional<Finding> check(Path path) {
        var file = root.relativize(path);
        try {
            var source = Files.readString(path);
            var formatted = FORMATTER.formatSourceAndFixImports(source);
            return formatted.equals(source) ? Optional.empty() : Optional.of(new Finding.Unformatted(file, formatted));
        } catch (FormatterException e) {
            return Optional.of(new Finding.Unreadable(file, explain(e)));
        } catch (IOException e) {
            return Optional.of(new Finding.Unreadable(file, e.toString()));
        }
    }

    private static String explain(FormatterException e) {
        var message = String.valueOf(e.getMessage());
        return message.contains("expected token: '_'")
                ? message + " (the formatter does not know `_` as a whole component pattern: write `var _`, ADR-0001)"
                : message;
    }
}
