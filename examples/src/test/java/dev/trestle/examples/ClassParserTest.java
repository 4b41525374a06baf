package dev.trestle.examples;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.examples.Specimens.Circle;
import dev.trestle.examples.Specimens.Color;
import dev.trestle.examples.Specimens.Lambdas;
import dev.trestle.examples.Specimens.Marker;
import dev.trestle.examples.Specimens.Point;
import dev.trestle.examples.Specimens.Shape;
import dev.trestle.examples.Specimens.Square;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.ModuleAttribute;
import java.lang.classfile.attribute.SignatureAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.ModuleDesc;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The counts of class files: of handmade ones against counts by hand, of the JDK's against javap and jdeps. */
@Timeout(30)
class ClassParserTest {

    @Test
    void kindsOfClassesAreToldApart() throws IOException {
        Counts counts = Specimens.count(
                Marker.class, Color.class, Point.class, Shape.class, Circle.class, Square.class, Lambdas.class);

        assertThat(counts.classes()).isEqualTo(7);
        assertThat(counts.annotations()).isEqualTo(1);
        assertThat(counts.interfaces()).as("not the annotation").isEqualTo(1);
        assertThat(counts.enums()).isEqualTo(1);
        assertThat(counts.records()).isEqualTo(1);
        assertThat(counts.sealedTypes()).isEqualTo(1);
        assertThat(counts.versions()).isEqualTo(Map.of(ClassFile.JAVA_25_VERSION, 7L));
    }

    @Test
    void membersCountAsCompiled() throws IOException {
        Counts counts = Specimens.count(Lambdas.class);

        assertThat(counts.fields()).isEqualTo(3);
        assertThat(counts.methods())
                .as("constructor, one, concatenated and two bodies of lambdas")
                .isEqualTo(5);
    }

    @Test
    void lambdasAndMethodReferencesCountButNotOtherDynamicCalls() throws IOException {
        assertThat(Specimens.count(Lambdas.class).lambdas())
                .as("not the concatenation")
                .isEqualTo(3);
        assertThat(Specimens.count(Point.class).lambdas())
                .as("a record's toString is dynamic, too")
                .isZero();
    }

    @Test
    void methodsAreNamedAndMeasured() throws IOException {
        assertThat(Specimens.count(Lambdas.class).largestMethods())
                .contains(new MethodSize("dev.trestle.examples.Specimens$Lambdas.one()int", 2, 2)) // iconst_1, ireturn
                .isSortedAccordingTo(MethodSize.LARGEST_FIRST)
                .first()
                .extracting(MethodSize::method)
                .isEqualTo("dev.trestle.examples.Specimens$Lambdas.<init>()void");
    }

    @Test
    void packagesOfOthersCountOncePerClass() throws IOException {
        Counts counts = Specimens.count(Lambdas.class, Color.class);

        assertThat(counts.packages())
                .containsEntry("java.lang", 2L)
                .containsEntry("java.util.function", 1L)
                .doesNotContainKey("dev.trestle.examples");
    }

    @Test
    void moduleDescriptorIsNoClass() {
        byte[] descriptor = ClassFile.of()
                .buildModule(ModuleAttribute.of(ModuleDesc.of("some.module"), module -> module.moduleFlags(0)));

        Counts counts = parse(descriptor);

        assertThat(counts.moduleDescriptors()).isEqualTo(1);
        assertThat(counts.classes()).isZero();
        assertThat(counts.packages()).isEmpty();
    }

    @Test
    void everyWayToCutAClassFileShortIsUnreadable() throws IOException {
        byte[] whole = Specimens.bytes(Lambdas.class);

        for (int length = 0; length < whole.length; length++) {
            Counts counts = parse(Arrays.copyOf(whole, length));

            assertThat(counts.unreadable())
                    .as("%d of %d bytes", length, whole.length)
                    .hasSize(1);
            assertThat(counts.classes()).isZero();
            assertThat(counts.methods()).as("nothing of it counts").isZero();
        }
    }

    @Test
    void unreadableOneIsNamedWithAReasonAndTheOthersCount() throws IOException {
        var good = new ClassBytes("good.class", Specimens.bytes(Color.class));
        var bad = new ClassBytes("bad.class", new byte[] {1, 2, 3, 4});
        var missing = new Unreadable("missing.class", "no such file");

        Counts counts = ClassParser.parse(new Batch(List.of(bad, good), List.of(missing)));

        assertThat(counts.unreadable()).containsExactly(missing, new Unreadable("bad.class", "Bad magic number"));
        assertThat(counts.classes()).isEqualTo(1);
        assertThat(counts.seen()).isEqualTo(3);
    }

    @Test
    void signatureThatIsNestedTooDeeplyIsUnreadableAndNotTheEnd() {
        String nested = "La<".repeat(13_000) + "*" + ">;".repeat(13_000);
        byte[] hostile = ClassFile.of().build(ClassDesc.of("Hostile"), file -> {
            var signature = file.constantPool().utf8Entry(nested);
            file.withField("field", ConstantDescs.CD_Object, field -> field.with(SignatureAttribute.of(signature)));
        });

        assertThat(parse(hostile).unreadable())
                .extracting(Unreadable::reason)
                .containsExactly("java.lang.StackOverflowError");
    }

    private static Counts parse(byte[] file) {
        return ClassParser.parse(new Batch(List.of(new ClassBytes("test.class", file)), List.of()));
    }

    /** A handful of the JDK's classes, counted by tools that share no code with the census. */
    @Nested
    class AsToolsSeeIt {

        private static final Pattern MAJOR = Pattern.compile("(?m)^  major version: (\\d+)$");
        private static final Pattern INSTRUCTION = Pattern.compile("(?m)^ +\\d+: [a-z]");
        private static final Pattern METHOD = Pattern.compile("(?m)^  \\S.*\\).*;$|^  static \\{\\};$");
        private static final Pattern FIELD = Pattern.compile("(?m)^  \\w[^({\\n]*;$");
        private static final Pattern DYNAMIC = Pattern.compile("(?m)^ +\\d+: invokedynamic.*InvokeDynamic #(\\d+):");
        private static final Pattern LAMBDA_BOOTSTRAP =
                Pattern.compile("(?m)^  (\\d+): #\\d+ REF_invokeStatic java/lang/invoke/LambdaMetafactory\\.");
        private static final Pattern DEPENDENCY = Pattern.compile("(?m)^ +(\\S+) +-> (\\S+) ");

        @TempDir
        static Path directory;

        static List<Path> files;
        static Counts counts;

        @BeforeAll
        static void countThem() throws IOException {
            files = Specimens.copyTo(directory);
            try (var found = ClassFiles.find(List.of(directory))) {
                var all = new ArrayList<ClassLocation>();
                found.batches().forEachRemaining(all::addAll);
                counts = ClassParser.parse(Batch.read(all));
            }
        }

        @Test
        void javapCountsTheSameMembersInstructionsAndLambdas() {
            long methods = 0;
            long fields = 0;
            long instructions = 0;
            long lambdas = 0;
            Map<Integer, Long> versions = new HashMap<>();
            for (Path file : files) {
                String members = run("javap", "-p", file.toString());
                methods += count(METHOD, members);
                fields += count(FIELD, members);
                String all = run("javap", "-p", "-c", "-v", file.toString());
                instructions += count(INSTRUCTION, all);
                Set<String> bootstraps = groups(LAMBDA_BOOTSTRAP, all).collect(toSet());
                lambdas += groups(DYNAMIC, all).filter(bootstraps::contains).count();
                versions.merge(Integer.valueOf(groups(MAJOR, all).findFirst().orElseThrow()), 1L, Long::sum);
            }

            assertThat(counts.classes()).isEqualTo(files.size());
            assertThat(counts.methods()).isEqualTo(methods);
            assertThat(counts.fields()).isEqualTo(fields);
            assertThat(counts.instructions()).isEqualTo(instructions).isGreaterThan(10_000);
            assertThat(counts.lambdas()).isEqualTo(lambdas).isGreaterThan(50);
            assertThat(counts.versions()).isEqualTo(versions);
        }

        @Test
        void jdepsFindsTheSameReferencesBetweenPackages() {
            var arguments = Stream.concat(
                    Stream.of("-v", "-filter:none"), files.stream().map(Path::toString));
            String text = run("jdeps", arguments.toArray(String[]::new));
            Map<String, Set<String>> referrers = DEPENDENCY
                    .matcher(text)
                    .results()
                    .filter(line -> !packageOf(line.group(1)).equals(packageOf(line.group(2))))
                    .collect(groupingBy(line -> packageOf(line.group(2)), mapping(line -> line.group(1), toSet())));
            Map<String, Long> expected = new HashMap<>();
            referrers.forEach((name, classes) -> expected.put(name, (long) classes.size()));

            assertThat(counts.packages()).isEqualTo(expected).hasSizeGreaterThan(10);
        }

        private static String packageOf(String className) {
            return className.substring(0, className.lastIndexOf('.'));
        }

        private static long count(Pattern pattern, String text) {
            return pattern.matcher(text).results().count();
        }

        private static Stream<String> groups(Pattern pattern, String text) {
            return pattern.matcher(text).results().map((MatchResult match) -> match.group(1));
        }

        private static String run(String tool, String... arguments) {
            var out = new StringWriter();
            var writer = new PrintWriter(out);
            int exitCode = ToolProvider.findFirst(tool).orElseThrow().run(writer, writer, arguments);
            assertThat(exitCode).as(out.toString()).isZero();
            return out.toString();
        }
    }
}
