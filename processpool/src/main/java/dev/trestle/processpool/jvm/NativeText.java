package dev.trestle.processpool.jvm;

import java.io.File;
import java.nio.charset.Charset;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The encoding in which this system takes command lines, environments and names of files. It is that of the locale: in
 * the locale C or POSIX, it has nothing but ASCII. A character that it does not have would arrive in a worker as
 * another one.
 */
final class NativeText {

    /*
     * A system property that the locale cannot express travels all the same: among the arguments of the worker's main
     * method, which sets it first of all. Properties that the JVM itself reads before that are refused, as is
     * everything else.
     */

    /** The charset in which launchers read the bytes of their arguments. */
    static final Charset CHARSET = charset();

    private static final String PROPERTY = "-D";
    private static final String FILE_ENCODING = "-Dfile.encoding=";

    /** Properties that are read before the main method runs, by the JVM or by Spring Boot's launcher. */
    private static final List<String> EARLY = List.of(
            "-Djava.",
            "-Djdk.",
            "-Dsun.",
            "-Duser.",
            "-Dfile.",
            "-Dnative.",
            "-Dstdout.",
            "-Dstderr.",
            "-Dstdin.",
            "-Dloader.");

    private NativeText() {}

    private static Charset charset() {
        String name = System.getProperty("sun.jnu.encoding");
        return name != null && Charset.isSupported(name) ? Charset.forName(name) : Charset.defaultCharset();
    }

    /** Returns whether a text can be an argument, or a part of an environment, as it is. */
    static boolean isWritable(String text) {
        return text.indexOf('\0') < 0 && CHARSET.newEncoder().canEncode(text);
    }

    /** Returns whether an argument is a system property that has to travel otherwise. */
    static boolean isLate(String argument) {
        return argument.startsWith(PROPERTY) && EARLY.stream().noneMatch(argument::startsWith) && !isWritable(argument);
    }

    /**
     * Checks what does not depend on where the classes are.
     *
     * @throws IllegalStateException if workers cannot have it in this locale, with the way out
     */
    static void check(JvmOptions options) {
        for (String property : List.of("java.home", "java.io.tmpdir")) {
            String value = System.getProperty(property, "");
            try {
                var _ = Path.of(value);
            } catch (InvalidPathException e) {
                throw new IllegalStateException(
                        "A process pool cannot use the directory that the property " + property
                                + " of this program names, " + value + ": " + remedy(value),
                        e);
            }
        }
        options.environment().forEach((name, value) -> {
            if (!isWritable(name) || !isWritable(value)) {
                throw new IllegalStateException("A process pool cannot give its workers the environment variable "
                        + name + ": " + remedy(name + value));
            }
        });
    }

    /**
     * Checks the arguments of the workers' JVMs.
     *
     * @throws IllegalStateException if workers cannot have one in this locale, with the way out
     */
    static void checkArguments(List<String> arguments) {
        for (String each : arguments) {
            if (!isWritable(each) && !isLate(each)) {
                String part = Arrays.stream(each.split(Pattern.quote(File.pathSeparator)))
                        .filter(entry -> !isWritable(entry))
                        .findFirst()
                        .orElse(each);
                throw new IllegalStateException(
                        "A process pool cannot give its workers the argument " + part + ": " + remedy(part));
            }
            if (each.startsWith(FILE_ENCODING)) {
                checkEncoding(each.substring(FILE_ENCODING.length()));
            }
        }
    }

    private static void checkEncoding(String name) {
        String path = "/" + System.getProperty("java.io.tmpdir");
        if (Charset.isSupported(name)
                && !path.equals(new String(path.getBytes(Charset.defaultCharset()), Charset.forName(name)))) {
            throw new IllegalStateException(
                    "A process pool cannot give its workers the argument " + FILE_ENCODING + name
                            + ": they could not read the names of sockets that this program writes in "
                            + Charset.defaultCharset() + ". The JDK supports UTF-8 and COMPAT only.");
        }
    }

    /**
     * Returns whether the JDK gives the socket with a path that very name: it writes it in the default charset, which
     * may be another.
     */
    static boolean canBeSocket(Path path) {
        String name = path.toString();
        return Arrays.equals(name.getBytes(Charset.defaultCharset()), name.getBytes(CHARSET));
    }

    static String remedy(String text) {
        return text.indexOf('\0') >= 0
                ? "it has a character with the number 0, which would end it."
                : "it has characters that the encoding of this program's locale, " + CHARSET
                        + ", does not have. Start the program in a locale that has them, as with the environment"
                        + " variable LC_ALL=C.UTF-8.";
    }
}
