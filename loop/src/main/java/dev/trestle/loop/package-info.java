/** The single-threaded event loop: loop futures, tasks, and the coroutines that await them. */
@NullMarked
package dev.trestle.loop;

import org.jspecify.annotations.NullMarked;
