package dev.trestle.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.ConstructorCallTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvent;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Collection;
import java.util.Date;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;

/** The rules over the main classes of all modules. {@link Offence} shows that each of them bites. */
enum Rule {
    MODULES_FOLLOW_THE_ARROWS(
            classes().should(check("depend only on the modules that DESIGN allows them", Rule::checkArrows))),

    LIBRARIES_STAND_ALONE(classes()
            .that()
            .resideOutsideOfPackages(
                    "dev.trestle.processpool..",
                    "dev.trestle.examples..",
                    "dev.trestle.testkit..",
                    "dev.trestle.cluster..",
                    "dev.trestle.micrometer..",
                    "dev.trestle.spring..")
            .and()
            .haveNameNotMatching("dev\\.trestle\\.api\\.MdcCarrier.*") // for programs that have SLF4J
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "java..",
                    "jdk.management..", // of the JDK too, and the loop does without where it is not
                    "dev.trestle..",
                    "org.jspecify.annotations..",
                    "com.google.errorprone.annotations.."))
            .because("a module brings no third party into a program, except the process pool's and what an"
                    + " integration is for")),

    METRICS_KNOW_ONLY_MICROMETER(classes()
            .that()
            .resideInAPackage("dev.trestle.micrometer..")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "java..",
                    "io.micrometer..",
                    "dev.trestle..",
                    "org.jspecify.annotations..",
                    "com.google.errorprone.annotations.."))
            .because("a program that wants metrics gets no other third party by that")),

    CLUSTER_NEEDS_ONLY_JGROUPS_AND_PICOCLI(classes()
            .that()
            .resideInAPackage("dev.trestle.cluster..")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "java..",
                    "javax.net.ssl..",
                    "javax.sql..",
                    "org.jgroups..",
                    "org.slf4j..",
                    "picocli..",
                    "dev.trestle..",
                    "org.jspecify.annotations..",
                    "com.google.errorprone.annotations.."))
            .because("an engine, the logging of the process pool, and the options of a program are all that a"
                    + " node needs")),

    CLUSTER_KNOWS_ONLY_WIRE_AND_REMOTE_OF_PROCESSPOOL(noClasses()
            .that()
            .resideInAPackage("dev.trestle.cluster..")
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    "dev.trestle.processpool.child..",
                    "dev.trestle.processpool.jvm..",
                    "dev.trestle.processpool.values.."))
            .because("a node carries frames, and reads no value")),

    REMOTE_KNOWS_ONLY_WIRE(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool.remote..")
            .should()
            .dependOnClassesThat(areInProcessPoolBut("remote", "wire"))
            .because("the door of the pool shows frames, and nothing of its engine")),

    TESTKIT_NEEDS_ONLY_JUNIT(classes()
            .that()
            .resideInAPackage("dev.trestle.testkit..")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "java..",
                    "dev.trestle..",
                    "org.junit.jupiter.api..",
                    "org.jspecify.annotations..",
                    "com.google.errorprone.annotations.."))
            .because("tests choose their other libraries themselves")),

    TESTKIT_KNOWS_ONLY_VALUES_AND_WIRE_OF_PROCESSPOOL(noClasses()
            .that()
            .resideInAPackage("dev.trestle.testkit..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("dev.trestle.processpool.child..", "dev.trestle.processpool.jvm.."))
            .because("it encodes what a process pool encodes, and starts no process")),

    PARENT_DOES_NOT_KNOW_CHILD(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.trestle.processpool.child..")
            .because("they run in different processes")),

    CHILD_DOES_NOT_KNOW_PARENT(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool.child..")
            .should()
            .dependOnClassesThat(resideInAPackage("dev.trestle.processpool")
                    .and(not(simpleName("CallNotSerializableException")))) // a value of map's results
            .because("they run in different processes")),

    WIRE_KNOWS_NO_OTHER_PACKAGE(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool.wire..")
            .should()
            .dependOnClassesThat(areInProcessPoolBut("wire"))
            .because("frames can be understood without calls, values and processes")),

    VALUES_KNOW_ONLY_WIRE(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool.values..")
            .should()
            .dependOnClassesThat(areInProcessPoolBut("values", "wire"))
            .because("both processes use values, and only one of them has a pool")),

    JVM_KNOWS_ONLY_WIRE(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool.jvm..")
            .should()
            .dependOnClassesThat(areInProcessPoolBut("jvm", "wire"))
            .because("a child JVM is started and ended without regard to what it runs")),

    LOOP_ENGINE_DOES_NOT_KNOW_EVENT_LOOP(noClasses()
            .that(describe("belong to the engine of the loop", Rule::isLoopEngine))
            .should()
            .dependOnClassesThat(describe("are EventLoop", Rule::isEventLoop))
            .because("which thread runs, and when, can be understood without what users see of a loop")),

    PACKAGES_HAVE_NO_CYCLES(slices().matching("dev.trestle.(**)").should().beFreeOfCycles()),

    PUBLIC_TYPES_ARE_EXPORTED(classes()
            .that(describe("are public", Rule::isPublic))
            .and()
            .doNotHaveSimpleName("ForwardingProvider") // SLF4J makes it in a worker, by its name
            .should(check(
                    "reside in an exported package or be needed by another package of theirs", Rule::checkExported))),

    STANDARD_STREAMS_ARE_NOT_OURS(noClasses()
            .that()
            .resideOutsideOfPackage("dev.trestle.processpool.child..")
            .and()
            .haveNameNotMatching("dev\\.trestle\\.[\\w.]+\\.(Log|LoggerSource)") // if logging fails, or is missing
            .and()
            .doNotHaveFullyQualifiedName("dev.trestle.cluster.Main") // it is a program
            .should(ACCESS_STANDARD_STREAMS)
            .because("they belong to the program that uses us; in a worker, standard error is the pool's log")),

    LIBRARIES_DO_NOT_USE_THE_CONSOLE(noClasses()
            .that()
            .resideOutsideOfPackage("dev.trestle.examples..")
            .should()
            .dependOnClassesThat()
            .haveNameMatching("java\\.lang\\.IO|java\\.io\\.Console")
            .because("standard streams belong to the program that uses us")),

    NOTHING_SLEEPS(noClasses()
            .should()
            .accessTargetWhere(describe("the target is a sleep of the JDK", Rule::isSleep))
            .because("what waits can be woken: by a condition, a timer of the loop, an interrupt")),

    CLOCKS_THAT_JUMP_DECIDE_NOTHING(noClasses()
            .that()
            .resideInAPackage("dev.trestle.processpool..")
            .and()
            .doNotHaveSimpleName("AotStore") // the age of files is known by that clock only
            .and()
            .doNotHaveSimpleName("PrivateDirectory")
            .and()
            .doNotHaveSimpleName("StaleDirectories")
            .should()
            .accessTargetWhere(describe("the target reads the clock of the day", Rule::isClockOfTheDay))
            .because("a time limit must hold when the clock is set; System.nanoTime is never set")),

    EXCEPTIONS_HAVE_NAMES(noClasses()
            .should()
            .accessTargetWhere(describe("the target constructs a generic exception", Rule::isGenericException))
            .because("no caller can catch just that one")),

    PACKAGES_ARE_NULL_MARKED(classes().should(check("reside in a package that is @NullMarked", Rule::checkNullMarked))),

    /** Guards the other rules: a rule that finds no class to look at would hold. */
    ENOUGH_CLASSES_ARE_SEEN(classes().should(new BeAtLeast(70)));

    private static final String ROOT_PACKAGE = "dev.trestle.";

    private static final Map<String, Set<String>> ARROWS = Map.of(
            "api", Set.of(),
            "loop", Set.of("api"),
            "threadpool", Set.of("api"),
            "processpool", Set.of("api"),
            "bridge", Set.of("api", "loop"),
            "cluster", Set.of("api", "processpool"),
            "testkit", Set.of("api", "loop", "threadpool", "processpool"),
            "micrometer", Set.of("api", "loop", "threadpool", "processpool"),
            "spring", Set.of("api", "threadpool", "processpool", "micrometer"),
            "examples", Set.of("api", "loop", "threadpool", "processpool", "bridge", "cluster"));

    private static final Set<String> LOOP_ENGINE = Set.of(
            "Alarm",
            "Baton",
            "DebugMode",
            "HandOver",
            "Inbox",
            "LoopRun",
            "LoopTime",
            "Ready",
            "ReadyQueue",
            "Resubmission",
            "SlowCallbackDetector",
            "Timers");

    private static final Set<String> GENERIC_EXCEPTIONS =
            Set.of("java.lang.Throwable", "java.lang.Exception", "java.lang.RuntimeException", "java.lang.Error");

    @SuppressWarnings("ImmutableEnumChecker") // A rule is checked anew each time.
    final ArchRule rule;

    Rule(ArchRule rule) {
        // A module that is not there yet leaves a rule without classes; ENOUGH_CLASSES_ARE_SEEN and ProjectTest guard
        // that.
        this.rule = rule.allowEmptyShould(true);
    }

    private static void checkArrows(JavaClass origin, Violations violations) {
        var from = module(origin);
        var allowed = ARROWS.get(from);
        if (allowed == null) {
            violations.add(origin, "is in module " + from + ", which has no arrows yet: add them to " + Rule.class);
            return;
        }
        for (var dependency : origin.getDirectDependenciesFromSelf()) {
            var target = dependency.getTargetClass().getBaseComponentType();
            if (!target.getPackageName().startsWith(ROOT_PACKAGE)) {
                continue;
            }
            var to = module(target);
            if (!to.equals(from) && !allowed.contains(to)) {
                violations.add(
                        origin,
                        "makes module " + from + " depend on " + to + ", allowed: " + allowed + ": "
                                + dependency.getDescription());
            }
        }
    }

    private static DescribedPredicate<JavaClass> areInProcessPoolBut(String... packages) {
        String root = "dev.trestle.processpool";
        return resideInAPackage(root + "..")
                .and(not(resideInAnyPackage(Stream.of(packages)
                        .map(each -> root + "." + each + "..")
                        .toArray(String[]::new))));
    }

    private static boolean isLoopEngine(JavaClass type) {
        return type.getPackageName().equals(ROOT_PACKAGE + "loop")
                && LOOP_ENGINE.contains(outermost(type).getSimpleName());
    }

    private static boolean isEventLoop(JavaClass type) {
        return outermost(type).getName().equals(ROOT_PACKAGE + "loop.EventLoop");
    }

    private static JavaClass outermost(JavaClass type) {
        return type.getEnclosingClass().map(Rule::outermost).orElse(type);
    }

    private static String module(JavaClass type) {
        var rest = type.getPackageName().substring(ROOT_PACKAGE.length());
        return rest.contains(".") ? rest.substring(0, rest.indexOf('.')) : rest;
    }

    private static void checkExported(JavaClass type, Violations violations) {
        if (Project.exportedPackages().contains(type.getPackageName())) {
            return;
        }
        var needed = type.getDirectDependenciesToSelf().stream()
                .map(dependency -> dependency.getOriginClass().getPackageName())
                .anyMatch(origin -> !origin.equals(type.getPackageName()));
        if (!needed) {
            violations.add(type, "is public in a package that is not exported, and no other package needs it");
        }
    }

    /** Returns whether a type is public; a nested type is a part of the type around it. */
    private static boolean isPublic(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.PUBLIC)
                && type.getEnclosingClass().isEmpty();
    }

    private static boolean isSleep(JavaAccess<?> access) {
        var owner = access.getTargetOwner();
        return access.getTarget().getName().equals("sleep")
                && (owner.isAssignableTo(Thread.class) || owner.isEquivalentTo(TimeUnit.class));
    }

    private static boolean isClockOfTheDay(JavaAccess<?> access) {
        var owner = access.getTargetOwner();
        var name = access.getTarget().getName();
        return (owner.isEquivalentTo(System.class) && name.equals("currentTimeMillis"))
                || (owner.getPackageName().equals("java.time") && (name.equals("now") || name.startsWith("system")))
                || (owner.isEquivalentTo(Date.class)
                        && access.getTarget() instanceof ConstructorCallTarget constructor
                        && constructor.getRawParameterTypes().isEmpty());
    }

    /** The constructors of exceptions call those of their superclass, which is fine. */
    private static boolean isGenericException(JavaAccess<?> access) {
        var superclass = access.getOriginOwner().getRawSuperclass();
        return access.getTarget().getName().equals("<init>")
                && GENERIC_EXCEPTIONS.contains(access.getTargetOwner().getName())
                && !(access.getOrigin().isConstructor()
                        && superclass.isPresent()
                        && superclass.get().equals(access.getTargetOwner()));
    }

    private static void checkNullMarked(JavaClass type, Violations violations) {
        if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
            violations.add(type, "is in package " + type.getPackageName() + ", whose package-info lacks @NullMarked");
        }
    }

    private static ArchCondition<JavaClass> check(String description, BiConsumer<JavaClass, Violations> check) {
        return new ArchCondition<>(description) {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                check.accept(type, (offender, what) -> events.add(violation(offender, what)));
            }
        };
    }

    private static ConditionEvent violation(JavaClass type, String what) {
        return SimpleConditionEvent.violated(type, type.getName() + " " + what);
    }

    /** Takes what is wrong. */
    private interface Violations {
        void add(JavaClass offender, String what);
    }

    private static final class BeAtLeast extends ArchCondition<JavaClass> {

        private final int floor;
        private int seen;

        BeAtLeast(int floor) {
            super("be at least " + floor);
            this.floor = floor;
        }

        @Override
        public void init(Collection<JavaClass> all) {
            seen = all.size();
        }

        @Override
        public void check(JavaClass type, ConditionEvents events) {}

        @Override
        public void finish(ConditionEvents events) {
            if (seen < floor) {
                events.add(SimpleConditionEvent.violated(this, "only " + seen + " classes were seen"));
            }
        }
    }
}
