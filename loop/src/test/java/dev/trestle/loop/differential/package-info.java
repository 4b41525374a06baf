/** Random programs that run here and on CPython's asyncio, in virtual time, and must leave the same traces. */
@NullMarked
package dev.trestle.loop.differential;

import org.jspecify.annotations.NullMarked;
