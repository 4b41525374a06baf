/** The contract of every executor, as tests that each pool's tests extend. */
@NullMarked
package dev.trestle.contract;

import org.jspecify.annotations.NullMarked;
