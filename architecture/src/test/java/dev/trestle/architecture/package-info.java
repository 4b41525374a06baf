/** What holds over all modules: the rules of DESIGN, the poms, and the Javadoc. */
@NullMarked
package dev.trestle.architecture;

import org.jspecify.annotations.NullMarked;
