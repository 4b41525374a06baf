package dev.trestle.examples;

import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;

/** The progress display of a census. Begun and advanced by one thread; any thread may end it, more than once. */
interface Progress {

    /** Called once, when the number of class files is known. */
    void begin(long total);

    /** Called whenever more class files have been processed. */
    void advance(long done);

    /** Called before anything else is printed. */
    void end();

    /** A bar if a person is looking, else lines. Both go to the standard error: the report may be in a pipe. */
    @SuppressWarnings("SystemConsoleNull") // JDK 25 is back to null where there is no terminal
    static Progress of(PrintWriter err, int workers) {
        Console console = System.console();
        return console != null && console.isTerminal() ? new Bar(workers) : new Lines(err, workers, System::nanoTime);
    }

    /** A bar with rate and time left, drawn by a thread of its own. */
    final class Bar implements Progress {
        private final int workers;
        private volatile @Nullable ProgressBar bar;

        Bar(int workers) {
            this.workers = workers;
        }

        @Override
        public void begin(long total) {
            bar = ProgressBar.builder()
                    .setTaskName("census")
                    .setInitialMax(total)
                    .setUnit(" classes", 1)
                    .setUpdateIntervalMillis(100)
                    .showSpeed()
                    .build();
        }

        @Override
        public void advance(long done) {
            ProgressBar drawn = bar;
            if (drawn != null) {
                drawn.stepTo(done);
                var pace = new Pace(done, drawn.getMax(), drawn.getTotalElapsed(), workers);
                drawn.setExtraMessage(String.format(Locale.ROOT, " %,d/s per worker", pace.perWorker()));
            }
        }

        @Override
        public void end() {
            ProgressBar drawn = bar;
            if (drawn != null) {
                drawn.close();
            }
        }
    }

    /** A line for each tenth. */
    final class Lines implements Progress {
        private final PrintWriter out;
        private final int workers;
        private final LongSupplier nanos;
        private long start;
        private long total;
        private int tenths;

        Lines(PrintWriter out, int workers, LongSupplier nanos) {
            this.out = out;
            this.workers = workers;
            this.nanos = nanos;
        }

        @Override
        public void begin(long total) {
            this.total = total;
            start = nanos.getAsLong();
        }

        @Override
        public void advance(long done) {
            var pace = new Pace(done, total, Duration.ofNanos(nanos.getAsLong() - start), workers);
            if (pace.percent() / 10 > tenths) {
                tenths = pace.percent() / 10;
                out.printf(
                        Locale.ROOT,
                        "census: %3d %%, %,d of %,d class files, %,d/s, %,d/s per worker, %,d s left%n",
                        pace.percent(),
                        done,
                        total,
                        pace.perSecond(),
                        pace.perWorker(),
                        pace.remaining().toSeconds());
                out.flush();
            }
        }

        @Override
        public void end() {}
    }
}
