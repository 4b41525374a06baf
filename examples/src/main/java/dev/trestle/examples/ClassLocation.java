package dev.trestle.examples;

import java.nio.file.Path;

/**
 * The place where a class file was found.
 *
 * @param name the name for a report, such as {@code lib/a.jar!/com/acme/A.class}
 * @param path the path to read; in a jar, a path of that jar's file system
 * @param size its size in bytes, as its directory says
 */
record ClassLocation(String name, Path path, long size) {}
