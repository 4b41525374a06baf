package dev.trestle.processpool;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import dev.trestle.api.Call;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.slf4j.Logger;
import org.slf4j.simple.SimpleLogger;
import org.springframework.boot.loader.launch.JarLauncher;
import org.zeroturnaround.exec.ProcessExecutor;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.smile.SmileFactory;

/** A program with all that it needs in one jar of jars, as Spring Boot's plugins make it. */
public final class FatJar {

    private FatJar() {}

    /** Returns where Trestle, what it needs and these tests are: jars and directories of classes. */
    public static Set<Path> needed() {
        var found = new LinkedHashSet<Path>();
        for (Class<?> each : List.of(
                FatJar.class,
                ProcessPool.class,
                Call.class,
                ObjectMapper.class,
                JsonParser.class,
                SmileFactory.class,
                JsonAutoDetect.class,
                ProcessExecutor.class,
                Logger.class,
                SimpleLogger.class)) {
            found.add(sourceOf(each));
        }
        return found;
    }

    private static Path sourceOf(Class<?> type) {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError("A class path has files", e);
        }
    }

    public static Path of(Class<?> program, Path file) throws IOException {
        var manifest = new Manifest();
        var main = manifest.getMainAttributes();
        main.putValue("Manifest-Version", "1.0");
        main.putValue("Main-Class", JarLauncher.class.getName());
        main.putValue("Start-Class", program.getName());
        main.putValue("Spring-Boot-Classes", "BOOT-INF/classes/");
        main.putValue("Spring-Boot-Lib", "BOOT-INF/lib/");
        try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest);
                var loader = new JarFile(sourceOf(JarLauncher.class).toFile())) {
            for (var each : loader.stream()
                    .filter(entry -> entry.getName().endsWith(".class"))
                    .toList()) {
                add(jar, each.getName(), loader.getInputStream(each).readAllBytes());
            }
            add(jar, "BOOT-INF/classes/", new byte[0]); // the loader looks for it
            for (Path each : needed()) {
                if (Files.isDirectory(each)) {
                    addAll(jar, each);
                } else {
                    add(jar, "BOOT-INF/lib/" + each.getFileName(), Files.readAllBytes(each));
                }
            }
        }
        return file;
    }

    private static void addAll(JarOutputStream jar, Path classes) throws IOException {
        try (var files = Files.walk(classes)) {
            files.filter(file -> file.toString().endsWith(".class")
                            && !file.getFileName().toString().equals("module-info.class"))
                    .forEach(file -> {
                        String name = classes.relativize(file).toString().replace('\\', '/');
                        try {
                            add(jar, "BOOT-INF/classes/" + name, Files.readAllBytes(file));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
        }
    }

    /** Adds a file without compression, as the loader wants the jars within. */
    private static void add(JarOutputStream jar, String name, byte[] content) throws IOException {
        var checksum = new CRC32();
        checksum.update(content);
        var entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCrc(checksum.getValue());
        jar.putNextEntry(entry);
        jar.write(content);
        jar.closeEntry();
    }
}
