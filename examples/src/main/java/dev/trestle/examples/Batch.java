package dev.trestle.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * Class files that are read, sent and counted together: the argument of one call of a worker.
 *
 * @param files the class files
 * @param unreadable the files that could not be read
 */
record Batch(List<ClassBytes> files, List<Unreadable> unreadable) {

    /** Reads class files; blocks. The batch lists the files that cannot be read. */
    static Batch read(List<ClassLocation> locations) {
        var files = new ArrayList<ClassBytes>(locations.size());
        var unreadable = new ArrayList<Unreadable>();
        for (ClassLocation location : locations) {
            try {
                files.add(new ClassBytes(location.name(), Files.readAllBytes(location.path())));
            } catch (IOException e) {
                unreadable.add(Unreadable.because(location.name(), e));
            }
        }
        return new Batch(files, unreadable);
    }

    /** Returns the counts of this batch if no worker can count it: all files are unreadable. */
    Counts givenUp(String reason) {
        var lost = new ArrayList<>(unreadable);
        files.forEach(file -> lost.add(new Unreadable(file.name(), reason)));
        return Counts.unreadable(lost);
    }

    @Override
    public String toString() {
        String names = files.isEmpty()
                ? ""
                : ", " + files.getFirst().name() + " to " + files.getLast().name();
        return "Batch[files=" + files.size() + ", unreadable=" + unreadable.size() + names + "]";
    }
}
