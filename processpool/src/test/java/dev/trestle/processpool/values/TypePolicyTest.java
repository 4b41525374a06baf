package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.WireOptions;
import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The classes that a worker may name in a result, as the policy decides it, without any values. */
@Timeout(30)
class TypePolicyTest {

    // Each is reached by one path only

    static class Declared {}

    static class Base {}

    static class OfField {}

    static class OfInheritedField {}

    static class Of {}

    static class OfStatic {}

    static class OfTransient {}

    static class HasBase extends Base {}

    static class Holder {
        static @Nullable OfStatic ofStatic;

        @Nullable
        OfField field;

        transient @Nullable OfTransient ofTransient;
    }

    static class InheritingHolder extends ParentHolder {}

    static class ParentHolder {
        @Nullable
        OfInheritedField field;
    }

    static class Generic<T> {
        @Nullable
        T value;
    }

    static class SuperOf extends Generic<Of> {}

    record Row(List<Of> cells) {}

    sealed interface Shape permits Circle, Square {}

    static final class Circle implements Shape {
        @Nullable
        Of center;
    }

    static final class Square implements Shape {}

    static class Node<T extends Node<T>> {
        @Nullable
        T next;
    }

    static class Knot extends Node<Knot> {}

    enum Color {
        RED
    }

    @SuppressWarnings({"unused", "TypeParameterUnusedInFormals"})
    private abstract static class Results {
        abstract Declared plain();

        abstract Declared[][] array();

        abstract List<Declared> argument();

        abstract Map<String, List<? extends Declared>> nestedWildcard();

        abstract List<? super Declared> lowerBound();

        abstract List<Declared>[] genericArray();

        abstract <T extends Declared> T bounded();

        abstract <T extends Comparable<T> & Serializable> T recursive();

        abstract <T extends Node<T>> List<T> recursiveOfProgram();

        abstract Holder holder();

        abstract InheritingHolder inheritingHolder();

        abstract HasBase hasBase();

        abstract SuperOf superOf();

        abstract Row row();

        abstract Shape shape();

        abstract Knot knot();

        abstract Generic<Declared> generic();

        abstract Object object();

        abstract String string();
    }

    private static Type result(String method) throws NoSuchMethodException {
        Method declared = Results.class.getDeclaredMethod(method);
        return declared.getGenericReturnType();
    }

    private static TypePolicy policy(String method) throws NoSuchMethodException {
        return policy(WireOptions.DEFAULT, result(method));
    }

    private static TypePolicy policy(WireOptions options, Type... declared) {
        return TypePolicy.forResult(new TypeNames(TypePolicyTest.class.getClassLoader()), options, List.of(declared));
    }

    private static boolean permits(TypePolicy policy, String name) {
        try {
            policy.permitted(name);
            return true;
        } catch (RefusedException e) {
            return false;
        }
    }

    /** Returns which of the classes above a result that is declared as that of a method may hold. */
    private static List<Class<?>> permittedBy(String method) throws NoSuchMethodException {
        var permitted = new ArrayList<Class<?>>();
        TypePolicy policy = policy(method);
        for (Class<?> each : List.of(
                Declared.class,
                Base.class,
                OfField.class,
                OfInheritedField.class,
                Of.class,
                OfStatic.class,
                OfTransient.class,
                HasBase.class,
                Holder.class,
                InheritingHolder.class,
                ParentHolder.class,
                Generic.class,
                SuperOf.class,
                Shape.class,
                Circle.class,
                Square.class,
                Node.class,
                Knot.class)) {
            if (permits(policy, each.getName())) {
                permitted.add(each);
            }
        }
        return permitted;
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "array", "argument", "nestedWildcard", "genericArray", "bounded"})
    void declaredTypeLeadsToItsClass(String method) throws Exception {
        assertThat(permittedBy(method)).containsExactly(Declared.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"object", "string", "recursive", "lowerBound"})
    void typeOfTheJdkLeadsToNothing(String method) throws Exception {
        assertThat(permittedBy(method)).isEmpty();
    }

    @Test
    void classLeadsToItsStateAndItsSuperclass() throws Exception {
        assertThat(permittedBy("holder")).containsExactly(OfField.class, Holder.class);
        assertThat(permittedBy("inheritingHolder"))
                .containsExactly(OfInheritedField.class, InheritingHolder.class, ParentHolder.class);
        assertThat(permittedBy("hasBase")).containsExactly(Base.class, HasBase.class);
        assertThat(permittedBy("superOf")).containsExactly(Of.class, Generic.class, SuperOf.class);
        assertThat(permittedBy("generic")).containsExactly(Declared.class, Generic.class);
    }

    @Test
    void recordLeadsToItsComponentsThoughNotDeclared() throws Exception {
        assertThat(permittedBy("row")).containsExactly(Of.class);
        TypePolicy policy = policy("object");

        assertThat(permits(policy, Of.class.getName())).isFalse();
        assertThat(permits(policy, Row.class.getName())).isTrue();
        assertThat(permits(policy, Of.class.getName())).isTrue();
    }

    @Test
    void sealedTypeLeadsToItsSubclasses() throws Exception {
        assertThat(permittedBy("shape")).containsExactly(Of.class, Shape.class, Circle.class, Square.class);
    }

    @Test
    void recursiveTypesLeadToTheirClasses() throws Exception {
        assertThat(permittedBy("recursiveOfProgram")).containsExactly(Node.class);
        assertThat(permittedBy("knot")).containsExactly(Node.class, Knot.class);
    }

    @Test
    void unknownKindOfTypeIsAnError() {
        TypePolicy policy = policy(WireOptions.DEFAULT, new Type() {});

        assertThatThrownBy(() -> policy.permitted(Declared.class.getName()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("unknown kind of type");
    }

    @Test
    void jdkClassOutsideTheListIsRefused() throws Exception {
        TypePolicy policy = policy("object");

        for (String name : List.of(
                "java.lang.Thread",
                "java.lang.ProcessBuilder",
                "java.io.ObjectInputStream",
                "java.util.Random",
                "jdk.internal.misc.Unsafe[]",
                "java.sql.Timestamp",
                "java.sql.RowIdLifetime", // an enum of another module than java.base
                "java.util.stream.StreamShape", // an enum that is not public
                "java.util.stream.StreamOpFlag$Type", // an enum in a class that is not public
                "sun.security.ssl.ProtocolVersion")) { // an enum of a package that is not exported
            assertThat(permits(policy, name)).as(name).isFalse();
        }
        for (String name : List.of(
                "ArrayList",
                "HashMap",
                "int[]",
                "String[][]",
                "java.time.DayOfWeek",
                "java.util.concurrent.TimeUnit")) {
            assertThat(permits(policy, name)).as(name).isTrue();
        }
    }

    @Test
    void enumAndArraysOfPermittedClassesArePermitted() throws Exception {
        TypePolicy policy = policy("plain");

        assertThat(policy.permitted(Color.class.getName())).isEqualTo(Color.class);
        assertThat(policy.permitted(Color.class.getName() + "[]")).isEqualTo(Color[].class);
        assertThat(policy.permitted(Declared.class.getName() + "[][]")).isEqualTo(Declared[][].class);
        assertThat(permits(policy, Of.class.getName() + "[]")).isFalse();
    }

    @Test
    void optionsPermitClassesAndPackages() {
        assertThat(permits(policy(WireOptions.DEFAULT.withAllowedType(Of.class.getName())), Of.class.getName()))
                .isTrue();
        assertThat(permits(policy(new WireOptions(1024, Set.of("java.sql."))), "java.sql.Timestamp"))
                .isTrue();
        assertThat(permits(policy(new WireOptions(1024, Set.of("java.sq"))), "java.sql.Timestamp"))
                .isFalse();
    }

    @Test
    void classAsValueIsPermittedIfItIsPublicInJavaBase() throws Exception {
        TypePolicy policy = policy("plain");

        assertThat(policy.permittedClass("java.lang.Thread")).isEqualTo(Thread.class);
        assertThat(policy.permittedClass("int")).isEqualTo(int.class);
        assertThat(policy.permittedClass("java.io.IOException")).isEqualTo(IOException.class);
        assertThat(policy.permittedClass("java.sql.SQLException")).hasToString("class java.sql.SQLException");
        assertThat(policy.permittedClass(Declared.class.getName())).isEqualTo(Declared.class);
        for (String name : List.of(
                "java.sql.Connection", // of another module
                "java.lang.AbstractStringBuilder", // not public
                "jdk.internal.misc.Unsafe", // not exported
                Of.class.getName(),
                Of.class.getName() + "[]",
                "no.such.Type")) {
            assertThatThrownBy(() -> policy.permittedClass(name)).as(name).isInstanceOf(RefusedException.class);
        }
    }

    @Test
    void refusalIsRepeatedAndPermissionRemembered() throws Exception {
        TypePolicy policy = policy("plain");

        assertThat(permits(policy, Of.class.getName())).isFalse();
        assertThat(permits(policy, Of.class.getName())).isFalse();
        assertThat(policy.permitted(Declared.class.getName()))
                .isSameAs(policy.permitted(Declared.class.getName()))
                .isSameAs(Declared.class);
    }

    @Test
    void trustingPolicyPermitsAll() throws Exception {
        TypePolicy trusting =
                TypePolicy.trusting(new TypeNames(TypePolicyTest.class.getClassLoader()), WireOptions.DEFAULT);

        assertThat(trusting.isTrusting()).isTrue();
        assertThat(trusting.permitted("java.lang.Thread")).isEqualTo(Thread.class);
        assertThat(trusting.permittedClass("java.sql.Connection")).hasToString("interface java.sql.Connection");
        assertThat(trusting).hasToString("TypePolicy[trusting]");
        assertThat(policy("plain").isTrusting()).isFalse();
        assertThat(policy("plain")).hasToString("TypePolicy[[" + Declared.class + "]]");
    }
}
