package dev.trestle.examples;

import static dev.trestle.bridge.Bridge.runInExecutor;
import static dev.trestle.loop.Async.await;
import static dev.trestle.loop.Async.createTask;
import static dev.trestle.loop.Async.gather;

import dev.trestle.api.FutureExecutor;
import dev.trestle.loop.Task;
import dev.trestle.processpool.WorkerDiedException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Counts what the code in some jars, directories or the JDK is made of. An event loop orchestrates: one pool reads the
 * class files, another one parses them, and the loop adds up the counts as they arrive.
 */
final class Census {

    /*
     * A few lanes share the batches. Each takes the next batch, awaits its reading, awaits its counting, adds the
     * counts and starts again. So there are never more batches in memory than lanes, and with more lanes than workers
     * the next batch has been read, and mostly sent, before a worker asks for it.
     *
     * Everything here but the calls given to the executors runs on the loop, and loop code is atomic between awaits:
     * the lanes share an iterator and a sum without a lock.
     */

    private static final int TRIES = 3;

    private final FutureExecutor readers;
    private final FutureExecutor parsers;
    private final Progress progress;

    // Written on the loop only; any thread may look.
    private volatile long total;
    private volatile Counts counts = Counts.NONE;

    Census(FutureExecutor readers, FutureExecutor parsers, Progress progress) {
        this.readers = readers;
        this.parsers = parsers;
        this.progress = progress;
    }

    /** Takes the census; a coroutine. */
    void take(List<Path> sources) {
        try (ClassFiles files = await(runInExecutor(readers, () -> ClassFiles.find(sources)))) {
            total = files.size();
            progress.begin(total);
            add(Counts.unreadable(files.unreadable()));
            Iterator<List<ClassLocation>> batches = files.batches();
            List<Task<@Nullable Void>> lanes = Stream.generate(() -> createTask(() -> countAll(batches)))
                    .limit(2L * parsers.parallelism() + 1)
                    .toList();
            await(gather(lanes));
        }
    }

    private void countAll(Iterator<List<ClassLocation>> batches) {
        while (batches.hasNext()) {
            List<ClassLocation> locations = batches.next();
            Batch batch = await(runInExecutor(readers, () -> Batch.read(locations)));
            add(count(batch));
        }
    }

    /**
     * Counts a batch. A worker that dies costs a retry of its batch; a batch whose workers die in every try is given
     * up.
     */
    private Counts count(Batch batch) {
        for (int tries = 1; ; tries++) {
            try {
                return await(runInExecutor(parsers, () -> ClassParser.parse(batch)));
            } catch (WorkerDiedException e) {
                if (tries == TRIES) {
                    return batch.givenUp("the worker that parsed its batch died, " + TRIES + " times running");
                }
            }
        }
    }

    private void add(Counts more) {
        counts = counts.plus(more);
        progress.advance(counts.seen());
    }

    /** Returns the number of class files; 0 until they have been found. */
    long total() {
        return total;
    }

    /** Returns the counts so far. */
    Counts counts() {
        return counts;
    }

    @Override
    public String toString() {
        return "Census[" + counts.seen() + " of " + total + " class files, readers=" + readers + ", parsers=" + parsers
                + "]";
    }
}
