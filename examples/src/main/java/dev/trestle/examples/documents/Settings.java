package dev.trestle.examples.documents;

import java.time.Duration;

/**
 * The settings of the server.
 *
 * @param host the name or address to listen at
 * @param port the port; 0 for any that is free
 * @param workers the number of child JVMs
 * @param inFlight the number of uploads that may be received, wait or be read at a time
 * @param maxBytes the size of the largest upload
 * @param timeLimit the time that a worker may take for a document
 * @param heapBytes the heap of a worker
 * @param inProcess whether documents are read on threads of the server's own JVM, for comparison
 */
record Settings(
        String host,
        int port,
        int workers,
        int inFlight,
        int maxBytes,
        Duration timeLimit,
        long heapBytes,
        boolean inProcess) {}
