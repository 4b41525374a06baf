/**
 * How calls and values become bytes and come back: lambdas by their call site and what they capture, everything else by Jackson. Values
 * arrive whole or are refused in words, and a worker's bytes make no class that the declared type does not lead to.
 */
@NullMarked
package dev.trestle.processpool.values;

import org.jspecify.annotations.NullMarked;
