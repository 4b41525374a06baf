/**
 * Calls and values as bytes: a lambda as its call site and what it captures, everything else by Jackson.
 *
 * <p>A {@link dev.trestle.processpool.values.CallEncoder} makes the payload of a call, and a
 * {@link dev.trestle.processpool.values.CallDecoder} makes it a call again. A value arrives with the same state and
 * behavior, or it is refused in words where it is sent.
 *
 * <p>The values in a body, captured ones or a result, are one document: Smile, which Jackson writes and reads; or, if
 * all of them are numbers, booleans, characters, short texts or null,
 * {@link dev.trestle.processpool.values.PlainValues}, which need no Jackson. The first byte tells which.
 *
 * <p>Nothing here uses Java serialization to read: an object is made only from data, and only of a class that
 * {@link dev.trestle.processpool.values.TypePolicy} permits.
 */
@NullMarked
package dev.trestle.processpool.values;

import org.jspecify.annotations.NullMarked;
