package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.wire.Frame;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A listener that is slower than its call; without a process. */
@Timeout(30)
class ListenerQueueTest {

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final CountDownLatch inListener = new CountDownLatch(1);
    private final CountDownLatch gate = new CountDownLatch(1);

    private final ListenerQueue listenerQueue = new ListenerQueue(
            new CallListener() {
                @Override
                public void progress(double fraction, String text) {
                    hear(fraction + " " + text);
                }

                @Override
                public void message(String text) {
                    hear(text);
                }
            },
            "listener-test");

    private void hear(String report) {
        heard.add(report);
        inListener.countDown();
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new AssertionError("The listener was interrupted, which no code should do", e);
        }
        if (report.equals("bad")) {
            throw new IllegalStateException("the listener's own failure");
        }
    }

    private void message(String text) {
        listenerQueue.add(new Frame.Progress(1, Double.NaN, text));
    }

    private void progress(double fraction) {
        listenerQueue.add(new Frame.Progress(1, fraction, ""));
    }

    private void assertHeard(List<String> expected) throws InterruptedException {
        for (String each : expected) {
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo(each);
        }
    }

    private static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(String::valueOf).toList();
    }

    @Test
    void ofTheMessagesOfAFloodTheLatestHundredAreHeard() throws Exception {
        message("first");
        inListener.await();
        numbers(0, 150).forEach(this::message);
        gate.countDown();

        assertHeard(List.of("first"));
        assertHeard(numbers(50, 150));
    }

    @Test
    void ofLargeMessagesAsManyWaitAsTheMemoryForThemAllows() throws Exception {
        String large = "x".repeat(60 << 10);
        message("first");
        inListener.await();
        for (int i = 0; i < 1000; i++) {
            message(large + i);
        }
        gate.countDown();

        assertHeard(List.of("first"));
        assertHeard(numbers(996, 1000).stream().map(number -> large + number).toList());
        assertThat(heard.poll(100, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void aMessageThatIsLargerThanTheMemoryForMessagesIsHeard() throws Exception {
        String large = "x".repeat(300 << 10);
        message("first");
        inListener.await();
        message("dropped");
        message(large);
        gate.countDown();

        assertHeard(List.of("first", large));
    }

    @Test
    void ofProgressTheLatestIsHeardAfterTheMessages() throws Exception {
        progress(0.1);
        inListener.await();
        progress(0.2);
        message("between");
        progress(7);
        gate.countDown();

        assertHeard(List.of("0.1 ", "between", "1.0 "));
    }

    @Test
    void aListenerThatThrowsHearsTheNext() throws Exception {
        gate.countDown();
        message("bad");
        message("good");

        assertHeard(List.of("bad", "good"));
    }
}
