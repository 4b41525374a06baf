/**
 * Programs to run and to read: the census, which counts what code is made of in child JVMs, and short programs for each
 * family of features. {@code Examples} lists and runs them.
 */
@NullMarked
package dev.trestle.examples;

import org.jspecify.annotations.NullMarked;
