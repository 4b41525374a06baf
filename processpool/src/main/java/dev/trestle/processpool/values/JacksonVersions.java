package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.PropertyAccessor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.Version;

/** The versions of Jackson's jars in this JVM: those of the program, of a framework, or those that Trestle asks for. */
public final class JacksonVersions {

    /*
     * Jackson 3 takes its annotations from the jar of Jackson 2, so a program that has both has one version of that
     * jar, and a framework that knows Jackson 2 only may choose an older one than Jackson 3 needs. Jackson 3.1 and
     * later load JsonSerializeAs, of 2.21, before all else, and Jackson 3.0 needs methods of 2.19. Trestle needs no
     * later annotations.
     *
     * The constructor of a pool looks for this class, and for one of Smile's, which a build may have left out as
     * unused; that costs a millisecond each. All versions are looked at when it is missing, and when a class or a
     * method of Jackson is missing later.
     */

    private static final String ANNOTATION_OF_EVERY_VERSION = "com.fasterxml.jackson.annotation.JsonCreator";
    private static final String ANNOTATION_OF_2_21 = "com.fasterxml.jackson.annotation.JsonSerializeAs";

    /** A class that needs no other. */
    private static final String SMILE = "tools.jackson.dataformat.smile.SmileConstants";

    private static final String NEEDED = " Trestle needs Jackson 3.0 or later, with jackson-core, jackson-databind and"
            + " jackson-dataformat-smile of the same 3.x, and jackson-annotations 2.19 or later beside Jackson 3.0,"
            + " 2.21 or later beside Jackson 3.1 and later. Different versions come together where the build manages"
            + " the version of some of these jars only: let one BOM, that of the framework or"
            + " tools.jackson:jackson-bom, manage all of them.";

    private static final int MOST_CAUSES = 10;

    /** A missing class is searched for in all jars, each time. */
    private static volatile boolean checked;

    private JacksonVersions() {}

    /**
     * Checks that Jackson finds the annotations that it cannot start without, and that Smile is there. Cheap.
     *
     * @throws IllegalStateException if it does not
     */
    public static void check() {
        if (!checked) {
            if (type(SMILE) == null) {
                throw lacking("jackson-dataformat-smile");
            }
            if (type(ANNOTATION_OF_2_21) == null) {
                checkWithOlderAnnotations();
            }
            checked = true;
        }
    }

    private static void checkWithOlderAnnotations() {
        Version databind;
        try {
            databind = tools.jackson.databind.cfg.PackageVersion.VERSION;
        } catch (LinkageError e) {
            throw new IllegalStateException(mismatch(e).getMessage(), e);
        }
        if (type(ANNOTATION_OF_EVERY_VERSION) == null) {
            throw lacking("jackson-annotations");
        }
        boolean is3dot0 = databind.getMajorVersion() == 3 && databind.getMinorVersion() == 0;
        if (!is3dot0) {
            throw tooOld(
                    databind,
                    "2.21",
                    hasConstantOf2dot19() ? " With Jackson 3.0, jackson-annotations may stay as it is." : "");
        }
        if (!hasConstantOf2dot19()) {
            throw tooOld(databind, "2.19", "");
        }
    }

    private static IllegalStateException tooOld(Version databind, String needed, String remedy) {
        return new IllegalStateException("Jackson " + databind + " cannot start with jackson-annotations "
                + annotations() + ": it needs " + needed + " or later. " + found() + NEEDED + remedy);
    }

    private static boolean hasConstantOf2dot19() {
        return Arrays.stream(PropertyAccessor.values())
                .anyMatch(each -> each.name().equals("SCALAR_CONSTRUCTOR"));
    }

    private static IllegalStateException lacking(String jar) {
        return new IllegalStateException(
                "Trestle's process pool needs " + jar + ", and there is none. " + found() + NEEDED);
    }

    /**
     * Explains an error of linking, if it is one between Jackson's jars or between Jackson and Trestle.
     *
     * @param error the error
     * @return the exception to throw
     * @throws LinkageError if it is about other classes
     */
    static JacksonMismatchException mismatch(LinkageError error) {
        if (!isAboutJackson(error)) {
            throw error;
        }
        return new JacksonMismatchException(
                "Trestle's process pool cannot work with the Jackson that is here: "
                        + chain(error).getLast() + ". " + found() + NEEDED,
                error);
    }

    private static boolean isAboutJackson(LinkageError error) {
        for (Throwable each : chain(error)) {
            String message = String.valueOf(each.getMessage()).replace('/', '.');
            if (message.contains("tools.jackson.") || message.contains("com.fasterxml.jackson.annotation.")) {
                return true;
            }
        }
        return false;
    }

    /** Returns an error and its causes, as far as they are errors of the JVM, whose methods can be trusted. */
    private static List<Throwable> chain(LinkageError error) {
        var chain = new ArrayList<Throwable>();
        Throwable each = error;
        while (each != null && each.getClass().getClassLoader() == null && chain.size() < MOST_CAUSES) {
            chain.add(each);
            each = each.getCause();
        }
        return chain;
    }

    /** Returns which versions are here, as a sentence. */
    private static String found() {
        return "Found: jackson-core " + version(() -> tools.jackson.core.json.PackageVersion.VERSION)
                + ", jackson-databind " + version(() -> tools.jackson.databind.cfg.PackageVersion.VERSION)
                + ", jackson-dataformat-smile "
                + version(() -> tools.jackson.dataformat.smile.PackageVersion.VERSION) + ", jackson-annotations "
                + annotations() + ".";
    }

    private static String version(Supplier<Object> version) {
        try {
            return version.get().toString();
        } catch (LinkageError e) {
            return "(none that can be loaded)";
        }
    }

    /** Returns the version of the annotations, which only their manifest or their module has; else a description. */
    private static String annotations() {
        Class<?> annotation = type(ANNOTATION_OF_EVERY_VERSION);
        if (annotation == null) {
            return "(none)";
        }
        String named = annotation.getPackage().getImplementationVersion();
        return named != null
                ? named
                : annotation.getModule().getDescriptor() != null
                        ? annotation.getModule().getDescriptor().rawVersion().orElse(unnamed())
                        : unnamed();
    }

    private static String unnamed() {
        return "(of an unknown version, " + (type(ANNOTATION_OF_2_21) == null ? "before 2.21)" : "2.21 or later)");
    }

    private static @Nullable Class<?> type(String name) {
        try {
            return Class.forName(name, false, JacksonVersions.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            return null;
        }
    }
}
