package dev.trestle.cluster;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The code of this program: a digest for each jar and each directory of its class path and module path, by its name. A
 * call names its method and the fields of its values; another version of the code may do something else under the same
 * names.
 */
final class Code {

    private static final Logger logger = LoggerFactory.getLogger(Code.class);

    /** Made at the first use, once: it reads all jars. */
    private static final class Own {
        static final Map<String, String> DIGESTS = digests(
                Stream.concat(path("java.class.path"), path("jdk.module.path").flatMap(Code::modulesIn))
                        .toList());

        private static Stream<Path> path(String property) {
            return Stream.of(System.getProperty(property, "").split(File.pathSeparator, 0))
                    .filter(each -> !each.isEmpty())
                    .map(Path::of);
        }
    }

    /**
     * Returns the modules of a part of a module path: a directory there is either one module or, as {@code -p lib}
     * means it, holds several.
     */
    static Stream<Path> modulesIn(Path part) {
        if (!Files.isDirectory(part) || Files.exists(part.resolve("module-info.class"))) {
            return Stream.of(part);
        }
        try (Stream<Path> all = Files.list(part)) {
            return all.sorted().toList().stream();
        } catch (IOException e) {
            logger.debug("{} cannot be read, and its modules do not count as code", part, e);
            return Stream.empty();
        }
    }

    private Code() {}

    /** Returns the digests of this program. */
    static Map<String, String> own() {
        return Own.DIGESTS;
    }

    /** Returns the digests of the parts of a path; parts that have the same name are told apart by a number. */
    static Map<String, String> digests(List<Path> path) {
        Set<Path> all = new LinkedHashSet<>();
        path.forEach(each -> add(each.toAbsolutePath().normalize(), all));
        Map<String, String> digests = new LinkedHashMap<>();
        for (Path each : all) {
            String digest = digest(each);
            if (digest != null) {
                String name = String.valueOf(each.getFileName());
                String unique = name;
                for (int i = 2; digests.containsKey(unique); i++) {
                    unique = name + "#" + i;
                }
                digests.put(unique, digest);
            }
        }
        return Map.copyOf(digests);
    }

    /** Adds a part, and what the manifest of a jar adds to the class path. */
    private static void add(Path part, Set<Path> all) {
        if (!Files.exists(part) || !all.add(part) || Files.isDirectory(part)) {
            return;
        }
        try (var jar = new JarFile(part.toFile())) {
            String more = jar.getManifest() == null
                    ? null
                    : jar.getManifest().getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
            if (more != null) {
                for (String each : more.split(" ", 0)) {
                    if (!each.isEmpty()) {
                        add(Path.of(part.toUri().resolve(each)).normalize(), all);
                    }
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            logger.debug("The manifest of {} cannot be read", part, e);
        }
    }

    private static @Nullable String digest(Path part) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            if (Files.isDirectory(part)) {
                for (Map.Entry<String, Path> each : files(part).entrySet()) {
                    digest.update(each.getKey().getBytes(StandardCharsets.UTF_8));
                    digest.update((byte) 0);
                    read(each.getValue(), digest);
                }
            } else {
                read(part, digest);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            logger.debug("{} cannot be read, and does not count as code", part, e);
            return null;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Each Java runtime has SHA-256", e);
        }
    }

    private static Map<String, Path> files(Path directory) throws IOException {
        Map<String, Path> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(directory)) {
            all.filter(Files::isRegularFile)
                    .forEach(each ->
                            files.put(directory.relativize(each).toString().replace(File.separatorChar, '/'), each));
        }
        return files;
    }

    private static void read(Path file, MessageDigest digest) throws IOException {
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            var _ = in.transferTo(java.io.OutputStream.nullOutputStream());
        }
    }

    /**
     * Returns how the code of a member differs from that of a client, for which it is to run calls: the end of a
     * sentence. Empty if the member has all that the client has; it may have more.
     */
    static String difference(Map<String, String> client, Map<String, String> member) {
        Set<String> missing = new TreeSet<>();
        Set<String> other = new TreeSet<>();
        client.forEach((name, digest) -> {
            String there = member.get(name);
            if (there == null) {
                missing.add(name);
            } else if (!there.equals(digest)) {
                other.add(name);
            }
        });
        if (missing.isEmpty() && other.isEmpty()) {
            return "";
        }
        return (other.isEmpty() ? "" : "it has another version of " + String.join(", ", other))
                + (other.isEmpty() || missing.isEmpty() ? "" : ", and ")
                + (missing.isEmpty() ? "" : "it lacks " + String.join(", ", missing));
    }
}
