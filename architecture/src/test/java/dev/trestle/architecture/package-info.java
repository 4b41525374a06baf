/** Tests of rules that hold over all modules: dependencies, the poms, and the Javadoc. */
@NullMarked
package dev.trestle.architecture;

import org.jspecify.annotations.NullMarked;
