package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;
import dev.trestle.processpool.values.Examples.Bean;
import dev.trestle.processpool.values.Examples.Pair;
import dev.trestle.processpool.wire.Payload;
import java.io.ByteArrayInputStream;
import java.io.Externalizable;
import java.io.IOException;
import java.io.ObjectInput;
import java.io.ObjectInputStream;
import java.io.ObjectOutput;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamField;
import java.io.Serializable;
import java.io.StringReader;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.MethodSignature;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.attribute.SignatureAttribute;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Refusals of values that cannot travel: at the sender, with a message that names the value, its place, the reason and
 * the way out.
 */
@Timeout(30)
class RefusalsTest {

    private final Journey journey = Journey.allowingNothing();

    static final class Service {
        private final Map<String, String> cache = new HashMap<>();

        Call<Integer> size() {
            return () -> cache.size();
        }
    }

    static final class Holder {
        private @Nullable Object held;

        Call<String> call() {
            return () -> String.valueOf(held);
        }
    }

    static class Parent {
        private int size;

        int size() {
            return size;
        }
    }

    static final class Child extends Parent {
        private int size = 1;

        int ownSize() {
            return size;
        }
    }

    static final class NoMaker {
        int value;

        private NoMaker(String text, boolean flag) {
            value = flag ? text.length() : 0;
        }
    }

    @SuppressWarnings("ClassCanBeStatic") // it is inner on purpose
    final class Inner {
        int value;
    }

    @SuppressWarnings("ClassCanBeStatic") // it is inner on purpose
    class InnerWithoutState {}

    static class Extensible {
        int value;

        Extensible(int value) {
            this.value = value;
        }
    }

    /** A class whose state is in a transient field that its own code writes, as are the classes below. */
    static final class Externalized implements Externalizable {
        private static final long serialVersionUID = 1;

        transient int value;

        @Override
        public void writeExternal(ObjectOutput out) throws IOException {
            out.writeInt(value);
        }

        @Override
        public void readExternal(ObjectInput in) throws IOException {
            value = in.readInt();
        }
    }

    static class Writes implements Serializable {
        private static final long serialVersionUID = 1;

        transient int value;

        private void writeObject(ObjectOutputStream out) throws IOException {
            out.writeInt(value);
        }
    }

    static final class BelowWrites extends Writes {
        private static final long serialVersionUID = 1;

        int more;
    }

    static final class Reads implements Serializable {
        private static final long serialVersionUID = 1;

        int value;
        transient int twice;

        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            twice = 2 * value;
        }
    }

    static final class NamesFields implements Serializable {
        private static final long serialVersionUID = 1;

        @SuppressWarnings("UnusedVariable") // Java serialization finds it by its name
        private static final ObjectStreamField[] serialPersistentFields = {new ObjectStreamField("value", int.class)};

        transient int value;
    }

    @SuppressWarnings("UnnecessaryStringBuilder") // it is what is tested
    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(new Object(), "a java.lang.Object", "is not data"),
                Arguments.of(new Thread(), "java.lang.Thread", "only in this process"),
                Arguments.of(new ReentrantLock(), "ReentrantLock", "do not share"),
                Arguments.of(new CountDownLatch(1), "CountDownLatch", "do not share"),
                Arguments.of(new AtomicInteger(), "AtomicInteger", "change a copy"),
                Arguments.of(new AtomicReference<>("x"), "AtomicReference", "change a copy"),
                Arguments.of(new Socket(), "java.net.Socket", "open in this process only"),
                Arguments.of(new ByteArrayInputStream(new byte[0]), "ByteArrayInputStream", "Pass the bytes"),
                Arguments.of(new StringReader("x"), "StringReader", "name of a file"),
                Arguments.of(ByteBuffer.allocate(1), "Buffer", "Pass the array"),
                Arguments.of(Stream.of(1), "ReferencePipeline", "stream.toList()"),
                Arguments.of(List.of(1).iterator(), "Itr", "Pass the collection"),
                Arguments.of(ClassLoader.getSystemClassLoader(), "ClassLoader", "Name the class"),
                Arguments.of(new CompletableFuture<>(), "CompletableFuture", "Pass its result"),
                Arguments.of(new ThreadLocal<>(), "ThreadLocal", "Create it in the worker"),
                Arguments.of(new StringBuilder("x"), "StringBuilder", "toString()"),
                Arguments.of(new java.util.Random(), "java.util.Random", "JDK that is not data"),
                Arguments.of((Runnable) () -> {}, "Lambda", "lambda that is not serializable"),
                Arguments.of(anonymous(), "RefusalsTest$", "anonymous class"),
                Arguments.of(new RefusalsTest().new Inner(), "Inner", "inner class"),
                Arguments.of(new RefusalsTest().new InnerWithoutState(), "InnerWithoutState", "inner class"),
                Arguments.of(local(), "Local", "local class"),
                Arguments.of(proxy(), "Proxy", "a record that implements Callable"),
                Arguments.of(new Extensible(1), "Extensible", "no constructor without arguments"),
                Arguments.of(new NoMaker("x", true), "NoMaker", "no constructor without arguments"),
                Arguments.of(new Service(), "Service", "its field 'cache' is final"),
                Arguments.of(new Child(), "Child", "two fields named 'size'"),
                Arguments.of(new Externalized(), "Externalized", "carried by its methods of Java serialization"),
                Arguments.of(new Writes(), "Writes", "carried by its methods of Java serialization"),
                Arguments.of(new BelowWrites(), "BelowWrites", "the transient fields of " + Writes.class.getName()),
                Arguments.of(new Reads(), "Reads", "carried by its methods of Java serialization"),
                Arguments.of(new NamesFields(), "NamesFields", "carried by its methods of Java serialization"),
                Arguments.of(((Runnable) () -> {}).getClass(), "java.lang.Class", "made at run time"),
                Arguments.of(new Class<?>[] {proxy().getClass()}, "java.lang.Class", "no other process can find"),
                Arguments.of(List.of(new Pair<>(1, new Object())), "java.lang.Object", "[0].second"),
                Arguments.of(Map.of("key", new Object()), "java.lang.Object", ".key"),
                Arguments.of(new Object[] {1, new Thread()}, "java.lang.Thread", "[1]"));
    }

    private static Object anonymous() {
        return new Callable<Integer>() {
            @Override
            public Integer call() {
                return 1;
            }
        };
    }

    private static Object local() {
        class Local {}
        return new Local();
    }

    private static Object proxy() {
        return Proxy.newProxyInstance(
                RefusalsTest.class.getClassLoader(), new Class<?>[] {Callable.class}, (_, _, _) -> null);
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aCapturedValueIsRefusedInWords(Object value, String what, String why) {
        Call<String> call = () -> String.valueOf(value);

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal.getMessage())
                .matches("(?s)The call RefusalsTest\\.aCapturedValueIsRefusedInWords\\(RefusalsTest\\.java:\\d+\\)"
                        + " cannot travel: captured value #0 'value'.*")
                .contains(what)
                .contains(why);
        assertThat(refusal.path()).startsWith("captured value #0 'value'");
        assertThat(refusal.typeName()).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aResultIsRefusedInWords(Object value, String what, String why) throws Throwable {
        DecodedCall there =
                journey.decode(journey.encode((Call<Integer>) () -> 1).payload());
        if (value instanceof Stream<?>) {
            return; // streams of results travel
        }

        var refusal = catchThrowableOfType(
                NotEncodableException.class, () -> journey.decode(anyCall()).encodeResult(value));

        assertThat(there).isNotNull();
        assertThat(refusal.getMessage())
                .startsWith("The result of the call cannot travel: the result")
                .contains(what)
                .contains(why);
    }

    private Payload anyCall() throws NotEncodableException {
        return journey.encode((Call<Object>) () -> "any").payload();
    }

    record Cents(long number) {
        Cents {
            number *= 100;
        }
    }

    record Fresh(UUID id) {
        Fresh {
            id = UUID.randomUUID();
        }
    }

    record Longer(List<String> parts) {
        Longer {
            parts = Stream.concat(Stream.of("first"), parts.stream()).toList();
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // it is what is tested
    record Negated(int[] numbers) {
        Negated {
            numbers = Arrays.stream(numbers).map(each -> -each).toArray();
        }
    }

    record Filled(@Nullable String text) {
        Filled {
            text = text == null ? "was null" : null;
        }
    }

    static final class Exchanged {
        private final int x;
        private final int y;

        @JsonCreator
        Exchanged(@JsonProperty("x") int x, @JsonProperty("y") int y) {
            this.x = y;
            this.y = x;
        }

        int difference() {
            return x - y;
        }
    }

    static Stream<Arguments> changed() {
        return Stream.of(
                Arguments.of(new Cents(1), "number"),
                Arguments.of(new Fresh(new UUID(1, 2)), "id"),
                Arguments.of(new Longer(List.of("a")), "parts"),
                Arguments.of(new Negated(new int[] {1}), "numbers"),
                Arguments.of(new Filled("a"), "text"),
                Arguments.of(new Exchanged(1, 2), "x"));
    }

    @ParameterizedTest
    @MethodSource("changed")
    void whatItsConstructorChangesIsRefusedThere(Object value, String field) throws Exception {
        Payload payload =
                journey.encode((Call<String>) () -> String.valueOf(value)).payload();

        assertThatThrownBy(() -> journey.decode(payload))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining(value.getClass().getName() + " is changed by its own constructor, which sets its"
                        + " field '" + field + "' to something else than it was given");
    }

    record Trimmed(String text) {
        Trimmed {
            text = text.trim();
        }
    }

    record Copied(
            List<String> list,
            Map<String, Integer> map,
            @Nullable Object other) {
        Copied {
            list = Collections.unmodifiableList(new ArrayList<>(list));
            map = new TreeMap<>(map);
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // it is what is tested
    record Sorted(long[] numbers) {
        Sorted {
            numbers = numbers.clone();
            Arrays.sort(numbers);
        }
    }

    @Test
    void aConstructorMayCopyAndLeaveAloneItsArguments() throws Throwable {
        for (Object each : List.of(new Trimmed(" a "), new Copied(List.of("b"), Map.of("c", 1), null))) {
            assertThat(journey.send(each)).isEqualTo(each);
        }
        assertThat(journey.send(new Sorted(new long[] {2, 1})))
                .isInstanceOfSatisfying(
                        Sorted.class, each -> assertThat(each.numbers()).containsExactly(1, 2));
    }

    @Test
    void capturingThisIsExplained() {
        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(new Service().size()));

        assertThat(refusal)
                .hasMessageContaining("captured value #0 'this' is a " + Service.class.getName())
                .hasMessageContaining("captures 'this' because it uses a field or a method of Service")
                .hasMessageContaining("local variables");
    }

    @Test
    void theWayToTheValueIsNamed() {
        var holder = new Holder();
        holder.held = new ArrayList<>(List.of(1, new Pair<>("x", new Thread())));

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(holder.call()));

        assertThat(refusal.path()).isEqualTo("captured value #0 'this'.held[1].second");
        assertThat(refusal.typeName()).isEqualTo("java.lang.Thread");
    }

    @Test
    void aLambdaThatIsNotSerializableIsRefusedAsACall() {
        Callable<Integer> call = () -> 1;

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal)
                .hasMessageContaining("not serializable")
                .hasMessageContaining("declare its variable as Call");
    }

    /** Its class is defined twice more: hidden, and with a signature as Groovy writes them. */
    static final class Maker implements Supplier<Call<String>> {
        @Override
        public Call<String> get() {
            return () -> "made";
        }
    }

    private static byte[] maker() throws IOException {
        try (var file = Maker.class.getResourceAsStream("RefusalsTest$Maker.class")) {
            return requireNonNull(file).readAllBytes();
        }
    }

    @Test
    void aLambdaInAHiddenClassIsRefused() throws Exception {
        Class<?> hidden =
                MethodHandles.lookup().defineHiddenClass(maker(), true).lookupClass();
        var call = ((Supplier<?>) hidden.getDeclaredConstructor().newInstance()).get();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal)
                .hasMessageContaining("it is written in " + hidden.getName() + ", a hidden class")
                .hasMessageContaining("Write it in a class that has a class file");
    }

    @Test
    void aSignatureThatMakesNoSenseDoesNotMatter() throws Throwable {
        MethodTransform signed = MethodTransform.endHandler(
                method -> method.with(SignatureAttribute.of(MethodSignature.parseFrom("()LNowhere;"))));
        byte[] bytes = ClassFile.of()
                .transformClass(
                        ClassFile.of().parse(maker()),
                        ClassTransform.transformingMethods(
                                method -> method.methodName().stringValue().startsWith("lambda$"), signed));
        var loader = new ClassLoader(RefusalsTest.class.getClassLoader()) {
            Object make() throws ReflectiveOperationException {
                var constructor = defineClass(null, bytes, 0, bytes.length).getDeclaredConstructor();
                constructor.setAccessible(true);
                return constructor.newInstance();
            }
        };

        assertThat(journey.run(((Supplier<?>) loader.make()).get())).isEqualTo("made");
    }

    @Test
    void anExecutorIsRefused() {
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            Call<Boolean> call = () -> executor.isShutdown();

            var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

            assertThat(refusal).hasMessageContaining("'executor' is").hasMessageContaining("only in this process");
        }
    }

    @Test
    void aComparatorThatIsNotSerializableIsRefusedWithItsSet() {
        Comparator<String> byLength = Comparator.comparingInt(String::length);
        var sorted = new java.util.TreeSet<>(byLength);
        Call<Integer> call = () -> sorted.size();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal.path()).startsWith("captured value #0 'sorted'.comparator()");
        assertThat(refusal).hasMessageContaining("Lambda");
    }

    @Test
    void aLambdaOfTheJdkIsRefused() {
        CallFunction<Object, Object> own = each -> each;
        Comparator<Map.Entry<String, Integer>> byKey = Map.Entry.comparingByKey();
        Call<Integer> call = () -> byKey.hashCode() + own.hashCode();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal).hasMessageContaining("'byKey' is").hasMessageContaining("lambda of the JDK");
    }

    @Test
    void aCycleIsNamed() {
        var bean = new Bean("a", new Bean("b", null));
        bean.next().next(bean);
        Call<String> call = () -> bean.getClass().getName();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal)
                .hasMessageContaining("captured value #0 'bean'.next.next")
                .hasMessageContaining("leads back to a " + Bean.class.getName())
                .hasMessageContaining("a cycle cannot travel");
    }

    @Test
    void aListThatContainsItselfIsACycle() {
        var list = new ArrayList<Object>();
        list.add(list);
        Call<Integer> call = () -> list.size();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal).hasMessageContaining("a cycle cannot travel");
    }

    @Test
    void tooDeepIsNoCycle() {
        Bean chain = new Bean("end", null);
        for (int i = 0; i < 2000; i++) {
            chain = new Bean("b", chain);
        }
        Bean bean = chain;
        Call<String> call = () -> bean.getClass().getName();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal)
                .hasMessageContaining("nests deeper than 1000 levels")
                .hasMessageContaining("next.next...");
    }

    @Test
    void aDeepValueTravels() throws Throwable {
        Bean chain = new Bean("end", null);
        for (int i = 0; i < 300; i++) {
            chain = new Bean("b", chain);
        }

        assertThat(Journey.allowingTests().send(chain)).isEqualTo(chain);
    }

    @Test
    void aStringThatIsNoTextIsRefused() {
        String half = "\uD83D";
        Call<Integer> call = () -> half.length();

        var refusal = catchThrowableOfType(NotEncodableException.class, () -> journey.encode(call));

        assertThat(refusal)
                .hasMessageContaining("captured value #0 'half' cannot be written")
                .hasMessageContaining("surrogate");
    }
}
