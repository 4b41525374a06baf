/**
 * The child JVM as a process of the operating system: its command line and class path, its start and its end, its
 * sockets, directories and output. Nothing here knows of calls.
 */
@NullMarked
package dev.trestle.processpool.jvm;

import org.jspecify.annotations.NullMarked;
