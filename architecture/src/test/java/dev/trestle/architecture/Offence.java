package dev.trestle.architecture;

import java.util.List;

/** Small sources that each break a rule. */
enum Offence {
    API_KNOWS_LOOP(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module api depend on loop",
            "package dev.trestle.loop; public class Loop {}",
            "package dev.trestle.api; class Offender { dev.trestle.loop.Loop loop; }"),
    LOOP_KNOWS_BRIDGE(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module loop depend on bridge",
            "package dev.trestle.bridge; public class Bridge {}",
            "package dev.trestle.loop; class Offender { void f(dev.trestle.bridge.Bridge[] bridges) {} }"),
    BRIDGE_KNOWS_A_POOL(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module bridge depend on threadpool",
            "package dev.trestle.threadpool; public class Pool { public static void close() {} }",
            "package dev.trestle.bridge; class Offender { void f() { dev.trestle.threadpool.Pool.close(); } }"),
    ONE_POOL_KNOWS_THE_OTHER(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module processpool depend on threadpool",
            "package dev.trestle.threadpool; public class Pool {}",
            "package dev.trestle.processpool.wire; class Offender extends dev.trestle.threadpool.Pool {}"),
    A_LIBRARY_KNOWS_THE_EXAMPLES(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module bridge depend on examples",
            "package dev.trestle.examples; public class Example {}",
            "package dev.trestle.bridge; class Offender { dev.trestle.examples.Example example; }"),
    A_MODULE_WITHOUT_ARROWS(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "is in module dashboard, which has no arrows yet",
            "package dev.trestle.dashboard; class Offender {}"),
    A_POOL_KNOWS_THE_CLUSTER(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module processpool depend on cluster",
            "package dev.trestle.cluster; public class Node {}",
            "package dev.trestle.processpool.remote; class Offender { dev.trestle.cluster.Node node; }"),
    CLUSTER_NEEDS_ANOTHER_LIBRARY(
            Rule.CLUSTER_NEEDS_ONLY_JGROUPS_AND_PICOCLI,
            "org.zeroturnaround.exec.ProcessExecutor",
            "package org.zeroturnaround.exec; public class ProcessExecutor {}",
            "package dev.trestle.cluster; class Offender { org.zeroturnaround.exec.ProcessExecutor executor; }"),
    CLUSTER_READS_VALUES(
            Rule.CLUSTER_KNOWS_ONLY_WIRE_AND_REMOTE_OF_PROCESSPOOL,
            "dev.trestle.processpool.values.Codec",
            "package dev.trestle.processpool.values; public class Codec {}",
            "package dev.trestle.cluster; class Offender { dev.trestle.processpool.values.Codec codec; }"),
    REMOTE_CALLS_PARENT(
            Rule.REMOTE_KNOWS_ONLY_WIRE,
            "dev.trestle.processpool.Parent",
            "package dev.trestle.processpool; public class Parent {}",
            "package dev.trestle.processpool.remote; class Offender { dev.trestle.processpool.Parent parent; }"),

    LOOP_LOGS_WITH_SLF4J(
            Rule.LIBRARIES_STAND_ALONE,
            "org.slf4j.Logger",
            "package dev.trestle.loop; class Offender { org.slf4j.Logger logger; }"),

    TESTKIT_NEEDS_ANOTHER_LIBRARY(
            Rule.TESTKIT_NEEDS_ONLY_JUNIT,
            "org.slf4j.Logger",
            "package dev.trestle.testkit; class Offender { org.slf4j.Logger logger; }"),
    TESTKIT_STARTS_PROCESSES(
            Rule.TESTKIT_KNOWS_ONLY_VALUES_AND_WIRE_OF_PROCESSPOOL,
            "dev.trestle.processpool.jvm.Command",
            "package dev.trestle.processpool.jvm; public class Command {}",
            "package dev.trestle.testkit; class Offender { dev.trestle.processpool.jvm.Command command; }"),
    BRIDGE_KNOWS_TESTKIT(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module bridge depend on testkit",
            "package dev.trestle.testkit; public class Kit {}",
            "package dev.trestle.bridge; class Offender { dev.trestle.testkit.Kit kit; }"),
    A_POOL_KNOWS_ITS_METRICS(
            Rule.MODULES_FOLLOW_THE_ARROWS,
            "makes module processpool depend on micrometer",
            "package dev.trestle.micrometer; public class Metrics {}",
            "package dev.trestle.processpool; class Offender { dev.trestle.micrometer.Metrics metrics; }"),
    METRICS_LOG_WITH_SLF4J(
            Rule.METRICS_KNOW_ONLY_MICROMETER,
            "org.slf4j.Logger",
            "package dev.trestle.micrometer; class Offender { org.slf4j.Logger logger; }"),

    PARENT_CALLS_CHILD(
            Rule.PARENT_DOES_NOT_KNOW_CHILD,
            "dev.trestle.processpool.child.Child",
            "package dev.trestle.processpool.child; public class Child {}",
            "package dev.trestle.processpool; class Offender { Class<?> main ="
                    + " dev.trestle.processpool.child.Child.class; }"),
    CHILD_CALLS_PARENT(
            Rule.CHILD_DOES_NOT_KNOW_PARENT,
            "dev.trestle.processpool.Parent",
            "package dev.trestle.processpool; public class Parent {}",
            "package dev.trestle.processpool.child; class Offender { Object o = new"
                    + " dev.trestle.processpool.Parent(); }"),
    WIRE_CALLS_PARENT(
            Rule.WIRE_KNOWS_NO_OTHER_PACKAGE,
            "dev.trestle.processpool.Parent",
            "package dev.trestle.processpool; public class Parent {}",
            "package dev.trestle.processpool.wire; class Offender { Object o = new dev.trestle.processpool.Parent();"
                    + " }"),
    WIRE_CALLS_CHILD(
            Rule.WIRE_KNOWS_NO_OTHER_PACKAGE,
            "dev.trestle.processpool.child.Child",
            "package dev.trestle.processpool.child; public class Child {}",
            "package dev.trestle.processpool.wire; class Offender { Object o = new"
                    + " dev.trestle.processpool.child.Child(); }"),
    WIRE_CALLS_VALUES(
            Rule.WIRE_KNOWS_NO_OTHER_PACKAGE,
            "dev.trestle.processpool.values.Codec",
            "package dev.trestle.processpool.values; public class Codec {}",
            "package dev.trestle.processpool.wire; class Offender { dev.trestle.processpool.values.Codec codec; }"),
    VALUES_CALL_JVM(
            Rule.VALUES_KNOW_ONLY_WIRE,
            "dev.trestle.processpool.jvm.Command",
            "package dev.trestle.processpool.jvm; public class Command {}",
            "package dev.trestle.processpool.values; class Offender { dev.trestle.processpool.jvm.Command command; }"),
    VALUES_CALL_PARENT(
            Rule.VALUES_KNOW_ONLY_WIRE,
            "dev.trestle.processpool.Parent",
            "package dev.trestle.processpool; public class Parent {}",
            "package dev.trestle.processpool.values; class Offender { dev.trestle.processpool.Parent parent; }"),
    JVM_CALLS_VALUES(
            Rule.JVM_KNOWS_ONLY_WIRE,
            "dev.trestle.processpool.values.Codec",
            "package dev.trestle.processpool.values; public class Codec {}",
            "package dev.trestle.processpool.jvm; class Offender { dev.trestle.processpool.values.Codec codec; }"),
    JVM_CALLS_PARENT(
            Rule.JVM_KNOWS_ONLY_WIRE,
            "dev.trestle.processpool.Parent",
            "package dev.trestle.processpool; public class Parent {}",
            "package dev.trestle.processpool.jvm; class Offender { dev.trestle.processpool.Parent parent; }"),

    THE_BATON_CALLS_EVENT_LOOP(
            Rule.LOOP_ENGINE_DOES_NOT_KNOW_EVENT_LOOP,
            "dev.trestle.loop.EventLoop.stop()",
            "package dev.trestle.loop; public class EventLoop { public static void stop() {} }",
            "package dev.trestle.loop; class Baton { static class Nested { void f() { EventLoop.stop(); } } }"),

    TWO_PACKAGES_NEED_EACH_OTHER(
            Rule.PACKAGES_HAVE_NO_CYCLES,
            "Cycle detected",
            "package dev.trestle.loop; public class A { dev.trestle.loop.timer.B b; }",
            "package dev.trestle.loop.timer; public class B { dev.trestle.loop.A a; }"),

    PUBLIC_BUT_NOT_EXPORTED(
            Rule.PUBLIC_TYPES_ARE_EXPORTED,
            "dev.trestle.loop.timer.Offender is public in a package that is not exported",
            "package dev.trestle.loop.timer; public class Offender { class Inner { Offender outer; } }"),
    PRINTS(
            Rule.STANDARD_STREAMS_ARE_NOT_OURS,
            "java.lang.System.out",
            "package dev.trestle.loop; class Offender { void f() { System.out.println(); } }"),
    PRINTS_ERRORS(
            Rule.STANDARD_STREAMS_ARE_NOT_OURS,
            "java.lang.System.err",
            "package dev.trestle.examples; class Offender { Object err = System.err; }"),
    PRINTS_STACK_TRACES(
            Rule.STANDARD_STREAMS_ARE_NOT_OURS,
            "printStackTrace",
            "package dev.trestle.loop; class Offender { void f(Throwable t) { t.printStackTrace(); } }"),
    PRINTS_THE_SHORT_WAY(
            Rule.LIBRARIES_DO_NOT_USE_THE_CONSOLE,
            "java.lang.IO",
            "package dev.trestle.loop; class Offender { void f() { IO.println(); } }"),

    SLEEPS(
            Rule.NOTHING_SLEEPS,
            "java.lang.Thread.sleep",
            "package dev.trestle.loop; class Offender { void f() throws Exception { Thread.sleep(1); } }"),
    SLEEPS_BY_REFERENCE(Rule.NOTHING_SLEEPS, "java.lang.Thread.sleep", """
        package dev.trestle.loop;
        class Offender { interface Sleep { void sleep(long n) throws Exception; } Sleep s = Thread::sleep; }
        """),
    SLEEPS_IN_UNITS(Rule.NOTHING_SLEEPS, "java.util.concurrent.TimeUnit.sleep", """
        package dev.trestle.loop;
        class Offender { void f() throws Exception { java.util.concurrent.TimeUnit.DAYS.sleep(1); } }
        """),

    READS_THE_CLOCK(
            Rule.CLOCKS_THAT_JUMP_DECIDE_NOTHING,
            "java.lang.System.currentTimeMillis",
            "package dev.trestle.processpool; class Offender { long f() { return System.currentTimeMillis(); } }"),
    ASKS_FOR_NOW(
            Rule.CLOCKS_THAT_JUMP_DECIDE_NOTHING,
            "java.time.Instant.now",
            "package dev.trestle.processpool.child; class Offender { Object f() { return java.time.Instant.now(); } }"),
    MAKES_A_DATE(
            Rule.CLOCKS_THAT_JUMP_DECIDE_NOTHING,
            "java.util.Date.<init>",
            "package dev.trestle.processpool; class Offender { Object f() { return new java.util.Date(); } }"),

    THROWS_RUNTIME_EXCEPTION(
            Rule.EXCEPTIONS_HAVE_NAMES,
            "java.lang.RuntimeException.<init>",
            "package dev.trestle.loop; class Offender { void f() { throw new RuntimeException(); } }"),
    THROWS_EXCEPTION(
            Rule.EXCEPTIONS_HAVE_NAMES,
            "java.lang.Exception.<init>",
            "package dev.trestle.loop; class Offender { void f() throws Exception { throw new Exception(\"x\"); } }"),
    THROWS_ERROR(
            Rule.EXCEPTIONS_HAVE_NAMES,
            "java.lang.Error.<init>",
            "package dev.trestle.loop; class Offender { Offender() { throw new Error(); } }"),
    THROWS_BY_REFERENCE(Rule.EXCEPTIONS_HAVE_NAMES, "java.lang.RuntimeException.<init>", """
        package dev.trestle.loop;
        class Offender { void f(java.util.Optional<?> o) { o.orElseThrow(RuntimeException::new); } }
        """),

    FORGETS_NULL_MARKED(
            Rule.PACKAGES_ARE_NULL_MARKED,
            "whose package-info lacks @NullMarked",
            "package dev.trestle.loop.timer; class Offender {}"),

    SHOWS_TOO_LITTLE(
            Rule.ENOUGH_CLASSES_ARE_SEEN, "only 1 classes were seen", "package dev.trestle.loop; class Offender {}");

    final Rule rule;
    final String clue;

    @SuppressWarnings("ImmutableEnumChecker") // a list of List.of is immutable
    final List<String> sources;

    Offence(Rule rule, String clue, String... sources) {
        this.rule = rule;
        this.clue = clue;
        this.sources = List.of(sources);
    }
}
