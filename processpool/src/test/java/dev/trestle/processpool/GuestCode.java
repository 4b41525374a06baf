package dev.trestle.processpool;

import static java.util.Objects.requireNonNull;

import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Compiles a class that came as text, and calls it. For workers in a sandbox. */
final class GuestCode {

    private GuestCode() {}

    static String run(String name, String source, String input) throws Exception {
        Path classes = Files.createTempDirectory("guest"); // in the worker's own /tmp
        JavaCompiler compiler = requireNonNull(ToolProvider.getSystemJavaCompiler(), "no module jdk.compiler");
        var messages = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var file = files.getJavaFileObjects(Files.writeString(classes.resolve(name + ".java"), source));
            var options = List.of("-proc:none", "-cp", "", "-d", classes.toString());
            if (!compiler.getTask(messages, files, null, options, null, file).call()) {
                throw new IllegalArgumentException("Does not compile: " + messages);
            }
        }
        URL[] path = {classes.toUri().toURL()};
        try (var loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
            @SuppressWarnings("unchecked") // a guest that is no such function costs its own call
            var guest = (UnaryOperator<String>)
                    loader.loadClass(name).getConstructor().newInstance();
            return guest.apply(input);
        }
    }
}
