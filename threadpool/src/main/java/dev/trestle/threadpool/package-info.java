/** An executor on threads, platform or virtual. */
@NullMarked
package dev.trestle.threadpool;

import org.jspecify.annotations.NullMarked;
