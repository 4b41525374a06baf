/** Programs to run and to read. */
@NullMarked
package dev.trestle.examples;

import org.jspecify.annotations.NullMarked;
