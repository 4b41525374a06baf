/** What every executor must do, as tests that each pool's tests extend. */
@NullMarked
package dev.trestle.contract;

import org.jspecify.annotations.NullMarked;
