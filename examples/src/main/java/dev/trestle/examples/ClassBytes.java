package dev.trestle.examples;

/**
 * A class file that has been read.
 *
 * @param name the name for a report
 * @param bytes its contents; not copied, and never changed
 */
@SuppressWarnings("ArrayRecordComponent") // it carries bytes to another JVM and is never compared
record ClassBytes(String name, byte[] bytes) {}
