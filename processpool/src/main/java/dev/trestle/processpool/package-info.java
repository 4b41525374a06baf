/** Pools of child JVMs that run calls in isolation. */
@NullMarked
package dev.trestle.processpool;

import org.jspecify.annotations.NullMarked;
