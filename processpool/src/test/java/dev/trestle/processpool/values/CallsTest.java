package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;
import dev.trestle.api.RunnableCall;
import dev.trestle.processpool.values.Examples.Bean;
import dev.trestle.processpool.values.Examples.Point;
import dev.trestle.processpool.values.Examples.Shape;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Payload;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Lambdas, method references and call objects run there as they would here. */
@Timeout(30)
class CallsTest {

    private static final AtomicInteger ran = new AtomicInteger();

    private final Journey journey = Journey.allowingNothing();

    static int answer() {
        return 42;
    }

    private static String join(String a, int b, long c, char d, boolean e, double f, @Nullable Object g) {
        return a + b + c + d + e + f + g;
    }

    private static void note() {
        ran.incrementAndGet();
    }

    @Test
    void aLambdaTakesItsCapturedVariablesAlong() throws Throwable {
        String a = "a";
        int b = 2;
        long c = 3;
        char d = 'd';
        boolean e = true;
        double f = 0.5;
        Point g = new Point(1, 2);

        assertThat(journey.run((Call<String>) () -> join(a, b, c, d, e, f, g))).isEqualTo("a23dtrue0.5Point[x=1, y=2]");
        assertThat(journey.run((Call<String>) () -> join(a, b, c, d, e, f, null)))
                .isEqualTo("a23dtrue0.5null");
    }

    @Test
    void everyKindOfMethodReferenceTravels() throws Throwable {
        Point point = new Point(3, 4);
        List<Integer> list = new ArrayList<>(List.of(1, 2, 3));
        Supplier<String> supplier = (Supplier<String> & Serializable) () -> "supplied";

        assertThat(journey.run((Call<Integer>) CallsTest::answer)).isEqualTo(42);
        assertThat(journey.run((Call<Double>) point::length)).isEqualTo(5.0);
        assertThat(journey.run((Call<Integer>) list::size)).isEqualTo(3);
        assertThat(journey.run((Call<Integer>) "text"::length)).isEqualTo(4);
        assertThat(journey.run((Call<Object>) ArrayList::new)).isEqualTo(List.of());
        assertThat(journey.run((Call<String>) supplier::get)).isEqualTo("supplied");
        assertThat(journey.run((RunnableCall) CallsTest::answer)).isNull();
    }

    @Test
    void callablesAndRunnablesTravelWhenTheyAreSerializable() throws Throwable {
        int before = ran.get();

        assertThat(journey.run((Callable<Integer> & Serializable) () -> 7)).isEqualTo(7);
        assertThat(journey.run((Runnable & Serializable) CallsTest::note)).isNull();
        assertThat(journey.run((RunnableCall) () -> note())).isNull();
        assertThat(ran.get()).isEqualTo(before + 2);
    }

    @Test
    void aLambdaMayCaptureLambdas() throws Throwable {
        int factor = 3;
        CallFunction<Integer, Integer> times = i -> i * factor;
        CallFunction<Integer, Integer> twice = i -> times.apply(times.apply(i));
        Comparator<String> byLength = (Comparator<String> & Serializable) (a, b) -> a.length() - b.length();
        var sorted = new TreeSet<>(byLength);
        sorted.addAll(List.of("ccc", "a", "bb"));

        assertThat(journey.run((Call<Integer>) () -> twice.apply(5))).isEqualTo(45);
        assertThat(journey.run((Call<String>) () -> String.join(",", sorted))).isEqualTo("a,bb,ccc");
        assertThat(journey.run((Call<Integer>) () -> List.of(times).getFirst().apply(1)))
                .isEqualTo(3);
    }

    @Test
    void aLambdaThatArrivedCanTravelOn() throws Throwable {
        CallFunction<Integer, Integer> increment = i -> i + 1;
        Call<@Nullable Object> outer = () -> onwards(() -> increment.apply(1));

        assertThat(journey.run(outer)).isEqualTo(2);
    }

    private static @Nullable Object onwards(Call<Integer> call) throws Exception {
        try {
            return Journey.allowingNothing().run(call);
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    record Sum(int a, int b) implements Call<Integer> {
        @Override
        public Integer call() {
            return a + b;
        }
    }

    static final class Increase implements RunnableCall {
        private static final long serialVersionUID = 1;

        int by;

        Increase() {}

        Increase(int by) {
            this.by = by;
        }

        @Override
        public void run() {
            ran.addAndGet(by);
        }
    }

    @Test
    void aRecordOrBeanThatIsACallTravels() throws Throwable {
        int before = ran.get();

        assertThat(journey.run(new Sum(1, 2))).isEqualTo(3);
        assertThat(journey.run(new Increase(5))).isNull();
        assertThat(ran.get()).isEqualTo(before + 5);
    }

    static final class Stateless {
        int three() {
            return 3;
        }

        Call<Integer> call() {
            return () -> three() + 1;
        }
    }

    @Test
    void thisTravelsWhenItIsData() throws Throwable {
        var bean = new Bean("x", null);
        Call<String> call = () -> bean.getClass().getSimpleName();

        assertThat(journey.run(new Stateless().call())).isEqualTo(4);
        assertThat(journey.run(call)).isEqualTo("Bean");
    }

    enum Planet {
        MARS {
            private final int found = 2;

            @Override
            Call<Integer> moons() {
                return () -> found;
            }
        },
        VENUS;

        Call<Integer> moons() {
            return () -> name().length();
        }
    }

    @Test
    void aConstantOfAnEnumTravelsAsThisWhetherOrNotItHasABody() throws Throwable {
        assertThat(journey.run(Planet.MARS.moons())).isEqualTo(2);
        assertThat(journey.run(Planet.VENUS.moons())).isEqualTo(5);
    }

    interface Labelled {
        default String label() {
            return "labelled";
        }
    }

    @Test
    void aLambdaKeepsAllInterfacesThatItIsCastToOrIsRefused() throws Throwable {
        Comparator<String> plain = (Comparator<String> & Serializable) String::compareTo;
        Comparator<String> labelled = (Comparator<String> & Serializable & Labelled) String::compareTo;
        Supplier<String> own = (Supplier<String> & Serializable & Labelled) () -> "own";

        assertThat(journey.run((Call<Integer>) () -> plain.compare("a", "b"))).isEqualTo(-1);
        assertThat(journey.run((Call<String>) () -> ((Labelled) own).label())).isEqualTo("labelled");
        assertThatThrownBy(() -> journey.encode((Call<String>) () -> ((Labelled) labelled).label()))
                .isInstanceOf(NotEncodableException.class)
                .hasMessageContaining("'labelled' is a ")
                .hasMessageContaining("would lose an interface that it is cast to");
    }

    @Test
    void aDeclaredResultPermitsWhatItIsMadeOf() throws Throwable {
        assertThat(journey.run((Call<Bean>) CallsTest::bean)).isEqualTo(bean());
        assertThat(journey.run((Call<List<Bean>>) CallsTest::beans)).isEqualTo(beans());
        assertThat(journey.run((Call<Optional<? extends Bean>>) CallsTest::maybe))
                .isEqualTo(maybe());
        assertThat(journey.run(new Beans())).isEqualTo(beans());
        assertThat(journey.run((Call<Shape>) CallsTest::drawing)).isEqualTo(drawing());
        assertThat(journey.run((Call<Shape>) () -> drawing())).isEqualTo(drawing());
        assertThat(journey.run((Call<List<Owner>>) () -> List.of(new Owner(bean()))))
                .isEqualTo(List.of(new Owner(bean())));
    }

    record Owner(Bean bean) {}

    private static Shape drawing() {
        var drawing = new Examples.Drawing();
        drawing.parts.add(new Examples.Circle(1));
        return drawing;
    }

    record Beans() implements Call<List<Bean>> {
        @Override
        public List<Bean> call() {
            return beans();
        }
    }

    private static Bean bean() {
        return new Bean("a", new Bean("b", null));
    }

    private static List<Bean> beans() {
        return List.of(bean());
    }

    private static Optional<? extends Bean> maybe() {
        return Optional.of(bean());
    }

    @Test
    void aStreamArrivesAsAStream() throws Throwable {
        Object objects = journey.run((Call<Stream<Object>>) () -> Stream.of(1, 2L, "x"));
        Object ints = journey.run((Call<IntStream>) () -> IntStream.range(0, 3));
        Object longs = journey.run((Call<LongStream>) () -> LongStream.of(5));
        Object doubles = journey.run((Call<Object>) () -> DoubleStream.of(0.5));

        assertThat(objects).isInstanceOf(Stream.class);
        assertThat(((Stream<?>) requireNonNull(objects)).toArray()).containsExactly(1, 2L, "x");
        assertThat(ints)
                .isInstanceOfSatisfying(
                        IntStream.class, each -> assertThat(each.sum()).isEqualTo(3));
        assertThat(longs)
                .isInstanceOfSatisfying(
                        LongStream.class, each -> assertThat(each.sum()).isEqualTo(5));
        assertThat(doubles)
                .isInstanceOfSatisfying(
                        DoubleStream.class, each -> assertThat(each.sum()).isEqualTo(0.5));
    }

    private static int thrown(int item) {
        throw new IllegalStateException("item " + item);
    }

    @Test
    void whatAStreamThrowsIsWhatItsCallThrows() throws Throwable {
        List<Call<?>> calls = List.of(
                () -> Stream.of(1, 2).map(CallsTest::thrown),
                () -> IntStream.of(1).map(CallsTest::thrown),
                () -> LongStream.of(1).map(each -> thrown((int) each)),
                () -> DoubleStream.of(1).map(each -> thrown((int) each)),
                () -> Stream.of(1).onClose(() -> thrown(1)));
        for (Call<?> each : calls) {
            assertThat(journey.failureOf(each))
                    .isExactlyInstanceOf(IllegalStateException.class)
                    .hasMessage("item 1");
        }
    }

    @Test
    void aCallThatThrowsThrowsThereUnchanged() throws Throwable {
        var encoded = journey.encode((Call<Object>) () -> {
            throw new IOException("disk");
        });

        assertThatThrownBy(() -> journey.decode(encoded.payload()).run())
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("disk");
    }

    @Test
    void oneEncodedCallCanBeSentTwice() throws Throwable {
        int captured = 5;
        var encoded = journey.encode((Call<Integer>) () -> captured + 1);

        assertThat(journey.decode(encoded.payload()).run()).isEqualTo(6);
        assertThat(journey.decode(encoded.payload()).run()).isEqualTo(6);
    }

    @Test
    void aCallIsDescribedByWhereItIsWritten() throws Throwable {
        int captured = 5;

        assertThat(journey.encode((Call<Integer>) () -> captured).description())
                .matches("CallsTest\\.aCallIsDescribedByWhereItIsWritten\\(CallsTest\\.java:\\d+\\)");
        assertThat(journey.encode((Call<Integer>) CallsTest::answer).description())
                .isEqualTo("CallsTest::answer");
        assertThat(journey.encode(new Sum(1, 2)).description()).isEqualTo(Sum.class.getName());
    }

    @SuppressWarnings("MethodName") // as Kotlin names the body of a lambda
    static int twice$lambda$0() {
        return 42;
    }

    @Test
    void aCallInKotlinIsDescribedByWhereItIsWritten() throws Throwable {
        assertThat(journey.encode((Call<Integer>) CallsTest::twice$lambda$0).description())
                .matches("CallsTest\\.twice\\(CallsTest\\.java:\\d+\\)");
    }

    @Test
    void aLambdaInAClosedModuleIsTakenApartAllTheSame() {
        Comparator<Map.Entry<String, String>> ofTheJdk = Map.Entry.comparingByKey();

        var parts = Lambdas.takeApart(ofTheJdk);

        assertThat(parts.getCapturingClass()).isEqualTo("java/util/Map$Entry");
        assertThat(parts.getCapturedArgCount()).isZero();
    }

    @Test
    void aSmallCallIsSmall() throws Throwable {
        int captured = 5;

        assertThat(journey.encode((Call<Integer>) () -> captured).payload().size())
                .isLessThan(400);
    }

    private Payload callOf(String className, String method) {
        var site = new LambdaSite(
                className,
                "dev/trestle/api/Call",
                "call",
                "()Ljava/lang/Object;",
                6,
                className,
                method,
                "()Ljava/lang/Integer;",
                "()Ljava/lang/Integer;",
                0);
        var bytes = new BodyWriter();
        site.write(bytes);
        bytes.longNumbers(new long[0]);
        var body = new BodyWriter();
        body.flag(true);
        body.bytes(bytes.toArray());
        return new Payload(List.of(body.written()), List.of());
    }

    @Test
    void aCallWithAMissingMethodIsRefusedThere() {
        assertThatThrownBy(() -> journey.decode(callOf("dev/trestle/processpool/values/CallsTest", "lambda$gone$0")))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("CallsTest.lambda$gone$0")
                .hasMessageContaining("same class path");
    }

    @Test
    void aCallWithAMissingClassIsRefusedThere() {
        assertThatThrownBy(() -> journey.decode(callOf("gone/Gone", "lambda$gone$0")))
                .isInstanceOf(NotDecodableException.class)
                .hasMessage(
                        "A call cannot be read: gone.Gone cannot be found here. Are the class path of the pool and of"
                                + " its workers the same?");
    }
}
