package dev.trestle.processpool.child;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.trestle.api.SharedArray;
import dev.trestle.processpool.wire.SharedArrays;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The shared arrays that this worker has mapped: each once, at the first call that names it. An array that its pool has
 * closed is unmapped when the last call that names it has ended. Thread-safe.
 */
final class MappedArrays implements SharedArrays {

    private final List<Path> places;

    @GuardedBy("this")
    private final Map<Long, Mapping> mappings = new HashMap<>();

    /** An array, the calls that need it, and whether the pool has closed it. */
    private static final class Mapping {
        private final Name name;
        private final SharedArray<?> array;
        private final Arena arena;
        private int holds;
        private boolean isUnshared;

        Mapping(Name name, SharedArray<?> array, Arena arena) {
            this.name = name;
            this.array = array;
            this.arena = arena;
        }
    }

    /**
     * @param places the directories of the files, by their number in names
     */
    MappedArrays(List<Path> places) {
        this.places = places;
    }

    @Override
    public synchronized SharedArray<?> hold(Name name) throws NotSharedException {
        Mapping mapping = mappings.get(name.number());
        if (mapping == null) {
            mapping = map(name);
            mappings.put(name.number(), mapping);
        }
        mapping.holds++;
        return mapping.array;
    }

    private Mapping map(Name name) throws NotSharedException {
        if (name.place() < 0 || name.place() >= places.size()) {
            throw new NotSharedException("is in place " + name.place() + ", which this worker does not have", "");
        }
        Path file = places.get(name.place()).resolve(SharedArrays.fileOf(name.number()));
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(
                file,
                name.isWritable()
                        ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
                        : Set.of(StandardOpenOption.READ))) {
            if (name.identity() != 0 && name.identity() != SharedArrays.identityOf(file)) {
                throw new NotSharedException(
                        "is another file now: " + file.toRealPath() + " was replaced after it had been shared",
                        "Share it again.");
            }
            if (channel.size() < name.bytes()) {
                throw new NotSharedException(
                        "has only " + channel.size() + " bytes in its file " + file + ", and had " + name.bytes(),
                        "Was the file made shorter while it was shared?");
            }
            var segment = SharedArray.map(channel, name.bytes(), name.isWritable(), arena);
            // The memory belongs to the program, so close does nothing here
            SharedArray<?> array = SharedArray.over(name.kind().arrayClass(), segment, () -> {});
            return new Mapping(name, array, arena);
        } catch (NoSuchFileException e) {
            arena.close();
            throw new NotSharedException(
                    "is not there any more: " + file, "Was its pool closed, or has another program deleted the file?");
        } catch (IOException e) {
            arena.close();
            throw new NotSharedException("cannot be mapped from " + file + ": " + e, "");
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public synchronized Name hold(SharedArray<?> array) throws NotSharedException {
        for (Mapping each : mappings.values()) {
            if (each.array == array) {
                each.holds++;
                return each.name;
            }
        }
        throw new NotSharedException(
                array.isClosed() ? "was closed" : "was made in this worker, and is memory of this process only",
                "Return its toArray(), or write to memory that the program has taken by allocate.");
    }

    @Override
    public synchronized void release(Name name) {
        Mapping mapping = mappings.get(name.number());
        if (mapping != null) {
            mapping.holds--;
            unmapWhatIsDone();
        }
    }

    /** Notes that an array is closed, and that its pool will name it no more. */
    synchronized void unshare(long number) {
        Mapping mapping = mappings.get(number);
        if (mapping != null) {
            mapping.isUnshared = true;
            unmapWhatIsDone();
        }
    }

    @GuardedBy("this")
    private void unmapWhatIsDone() {
        for (Iterator<Mapping> all = mappings.values().iterator(); all.hasNext(); ) {
            Mapping each = all.next();
            if (each.isUnshared && each.holds == 0) {
                try {
                    each.arena.close();
                    all.remove();
                } catch (IllegalStateException e) {
                    // A thread that a call has left behind hands the memory to the system at this moment. The next
                    // release tries again.
                }
            }
        }
    }

    @Override
    public synchronized String toString() {
        return "MappedArrays[" + mappings.size() + "]";
    }
}
