package dev.trestle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Callbacks that complete other promises, whose callbacks complete others. */
@Timeout(60)
class CallbackChainTest {

    private static final int LENGTH = 10_000;

    /** The way in which a callback of a promise ends the next promise. */
    enum Link {
        SET_RESULT((done, next) -> done.addDoneCallback(_ -> next.setResult(1))),
        SET_EXCEPTION(
                (done, next) -> done.addDoneCallback(_ -> next.setException(new IllegalStateException("on purpose")))),
        CANCEL((done, next) -> done.addDoneCallback(_ -> next.cancel(true))),
        CANCEL_ITS_VIEW((done, next) -> {
            var view = next.toCompletableFuture();
            done.addDoneCallback(_ -> view.cancel(true));
        }),
        STAGE_OF_ITS_VIEW((done, next) -> {
            var _ = done.toCompletableFuture().whenComplete((_, _) -> next.setResult(1));
        }),
        SECOND_CALLBACK((done, next) -> {
            done.addDoneCallback(_ -> {});
            done.addDoneCallback(_ -> next.setResult(1));
            done.addDoneCallback(_ -> {});
        }),
        CANCELLER((done, next) -> done.addDoneCallback(_ -> new Promise<>((_, _) -> next.setResult(1)).cancel(true)));

        @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
        final BiConsumer<Promise<Integer>, Promise<Integer>> tie;

        Link(BiConsumer<Promise<Integer>, Promise<Integer>> tie) {
            this.tie = tie;
        }
    }

    @Test
    void aChainOfCancellersOfAnyLengthCancelsAll() {
        var next = new Promise<Integer>();
        List<Promise<Integer>> chain = new ArrayList<>(List.of(next));
        for (int i = 1; i < LENGTH; i++) {
            Promise<Integer> told = chain.getLast();
            chain.add(new Promise<>((_, mayInterrupt) -> told.cancel(mayInterrupt)));
        }

        chain.getLast().cancel(true);

        assertThat(chain).allMatch(Promise::isCancelled);
    }

    private static List<Promise<Integer>> promises(int count) {
        return Stream.generate(Promise<Integer>::new).limit(count).toList();
    }

    private static List<Promise<Integer>> chain(Link link) {
        List<Promise<Integer>> chain = promises(LENGTH);
        for (int i = 0; i + 1 < LENGTH; i++) {
            link.tie.accept(chain.get(i), chain.get(i + 1));
        }
        return chain;
    }

    @ParameterizedTest
    @EnumSource
    void aChainOfAnyLengthCompletes(Link link) {
        List<Promise<Integer>> chain = chain(link);
        var heard = new AtomicInteger();
        chain.getLast().addDoneCallback(_ -> heard.incrementAndGet());

        chain.getFirst().setResult(1);

        assertThat(chain).allMatch(Promise::isDone);
        assertThat(heard).hasValue(1);
    }

    @ParameterizedTest
    @EnumSource
    void aChainOfAnyLengthCompletesOnAVirtualThread(Link link) throws Exception {
        List<Promise<Integer>> chain = chain(link);

        Thread.ofVirtual().start(() -> chain.getFirst().setResult(1)).join();

        assertThat(chain).allMatch(Promise::isDone);
    }

    @Test
    void callbacksOnDonePromisesMayNestToAnyDepth() {
        List<Promise<Integer>> done = promises(LENGTH);
        done.forEach(each -> each.setResult(1));
        var order = new ArrayList<Integer>();

        listen(done, 0, order);

        assertThat(order).isEqualTo(IntStream.range(0, LENGTH).boxed().toList());
    }

    /**
     * A limit of the JDK, of which the Javadoc of toCompletableFuture tells: it runs stages of what is done where they
     * are added.
     */
    @Test
    void stagesOnDonePromisesNestAsDeepAsTheStack() throws Exception {
        List<Promise<Integer>> done = promises(LENGTH);
        done.forEach(each -> each.setResult(1));
        var reached = new AtomicInteger();

        var thread = new Thread(null, () -> compose(done, 0, reached), "small stack", 256 * 1024);
        thread.start();
        thread.join();

        assertThat(reached).hasValueGreaterThan(8).hasValueLessThan(LENGTH);
    }

    private static void compose(List<Promise<Integer>> done, int index, AtomicInteger reached) {
        if (index < done.size()) {
            var _ = done.get(index).toCompletableFuture().whenComplete((_, _) -> {
                reached.incrementAndGet();
                compose(done, index + 1, reached);
            });
        }
    }

    private static void listen(List<Promise<Integer>> done, int index, List<Integer> order) {
        if (index < done.size()) {
            done.get(index).addDoneCallback(_ -> {
                order.add(index);
                listen(done, index + 1, order);
            });
        }
    }

    @Test
    void eachCallbackOfATreeRunsOnceAndInOrder() {
        var order = new ArrayList<String>();
        Promise<Integer> root = new Promise<>();
        grow(root, "", order, 5, 7);

        root.setResult(1);

        assertThat(order).hasSize(7 + 49 + 343 + 2401 + 16807).doesNotHaveDuplicates();
        assertThat(order.stream().filter(name -> name.length() == 1))
                .containsExactly("0", "1", "2", "3", "4", "5", "6");
        for (String parent : List.of("3", "25", "606", "1234")) {
            assertThat(order.stream().filter(name -> name.length() == parent.length() + 1 && name.startsWith(parent)))
                    .containsExactlyElementsOf(
                            IntStream.range(0, 7).mapToObj(i -> parent + i).toList());
        }
    }

    private static void grow(Promise<Integer> parent, String name, List<String> order, int depth, int branches) {
        for (int i = 0; i < branches; i++) {
            String child = name + i;
            parent.addDoneCallback(_ -> {
                order.add(child);
                if (depth > 1) {
                    Promise<Integer> next = new Promise<>();
                    grow(next, child, order, depth - 1, branches);
                    next.setResult(1);
                }
            });
        }
    }

    /** Up to this depth, a callback that completes a promise finds its callbacks run. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void setResultInACallbackReturnsWhenTheCallbacksHaveRun(int depth) {
        var nested = new ArrayList<Integer>();
        nest(depth, nested);

        assertThat(nested).isEqualTo(IntStream.rangeClosed(0, depth).boxed().toList());
    }

    private static void nest(int depth, List<Integer> nested) {
        Promise<Integer> promise = new Promise<>();
        promise.addDoneCallback(_ -> {
            if (depth > 0) {
                nest(depth - 1, nested);
                assertThat(nested).contains(depth - 1);
            }
            nested.add(depth);
        });
        promise.setResult(1);
    }

    /** Callbacks of the deepest level run after the callback that completed their promise, on the same thread. */
    @Test
    void setResultReturnsWhenAllThatItBroughtAboutHasRun() {
        List<Promise<Integer>> chain = chain(Link.SET_RESULT);
        var last = new CompletableFuture<Thread>();
        chain.getLast().addDoneCallback(_ -> last.complete(Thread.currentThread()));

        chain.getFirst().setResult(1);

        assertThat(last).isCompletedWithValue(Thread.currentThread());
    }

    @Test
    void aCallbackAddedWhileAPromiseWaitsForItsTurnComesLast() {
        var order = new ArrayList<String>();
        List<Promise<Integer>> chain = promises(20);
        for (int i = 0; i + 1 < chain.size(); i++) {
            Promise<Integer> next = chain.get(i + 1);
            chain.get(i).addDoneCallback(_ -> {
                next.addDoneCallback(_ -> order.add("before"));
                next.setResult(1);
                next.addDoneCallback(_ -> order.add("after"));
            });
        }

        chain.getFirst().setResult(1);

        assertThat(order).hasSize(2 * 19);
        assertThat(order.stream().limit(2 * 19)).filteredOn("before"::equals).hasSize(19);
        assertThat(order.getFirst()).isEqualTo("before");
        assertThat(order.getLast()).isEqualTo("after");
    }

    @Test
    void waitsForAChainEndWithIt() {
        List<Promise<Integer>> chain = chain(Link.SET_RESULT);
        var completions = Futures.asCompleted(chain).iterator();
        var all = Thread.ofVirtual().start(() -> Futures.waitUntil(ReturnWhen.ALL_COMPLETED, chain));

        chain.getFirst().setResult(1);

        for (Promise<Integer> each : chain) {
            assertThat(completions.next()).isSameAs(each);
        }
        assertThat(all).satisfies(thread -> thread.join());
    }

    /** A failure in the middle is a failure of one callback. */
    @Test
    void aCallbackThatFailsInAChainDoesNotEndIt() {
        List<Promise<Integer>> chain = promises(LENGTH);
        for (int i = 0; i + 1 < LENGTH; i++) {
            Promise<Integer> next = chain.get(i + 1);
            if (i % 3000 == 0) {
                chain.get(i).addDoneCallback(_ -> {
                    throw new StackOverflowError("on purpose");
                });
            }
            chain.get(i).addDoneCallback(_ -> next.setResult(1));
        }

        chain.getFirst().setResult(1);

        assertThat(chain).allMatch(Promise::isDone);
    }
}
