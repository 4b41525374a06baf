/** The format of this project's Java sources: the check that the build makes, and the program that sets it right. */
@NullMarked
package dev.trestle.format;

import org.jspecify.annotations.NullMarked;
