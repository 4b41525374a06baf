/** What a future and an executor are: the types that every pool implements and every caller uses. */
@NullMarked
package dev.trestle.api;

import org.jspecify.annotations.NullMarked;
