/** The loop with errors injected into its own code, at every call and every allocation in turn. */
@NullMarked
package dev.trestle.loop.faults;

import org.jspecify.annotations.NullMarked;
