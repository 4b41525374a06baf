package dev.trestle.examples;

import java.nio.file.Path;

/**
 * Where a class file was found.
 *
 * @param name what to call it in a report, such as {@code lib/a.jar!/com/acme/A.class}
 * @param path where to read it; in a jar, a path of that jar's file system
 * @param size its size in bytes, as its directory says
 */
record ClassLocation(String name, Path path, long size) {}
