/** Futures of any executor as futures of the event loop, and back. */
@NullMarked
package dev.trestle.bridge;

import org.jspecify.annotations.NullMarked;
