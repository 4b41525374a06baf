/**
 * What goes over the connection between a pool and its workers: frames, calls, values, failures.
 *
 * <p>Shared by both sides, and knowing neither. A {@link dev.trestle.processpool.wire.FrameChannel} carries
 * {@link dev.trestle.processpool.wire.Frame}s; a {@link dev.trestle.processpool.values.CallEncoder} makes the payload of a
 * call, a {@link dev.trestle.processpool.values.CallDecoder} makes it a call again.
 *
 * <p>A frame is a header, a body and, for big primitive arrays, out-of-band arrays; all numbers are little-endian:
 *
 * <pre>
 *   0  magic 'TR'      2 bytes
 *   2  version         1 byte
 *   3  type            1 byte    {@link dev.trestle.processpool.wire.FrameType}
 *   4  body length     4 bytes   checked against the type's limit before anything is allocated
 *   8  array count     4 bytes
 *  12  call id         8 bytes   0 where there is none
 *  20  body
 *      arrays          each: kind 1 byte, number of elements 4 bytes, then its elements
 * </pre>
 *
 * <p>The values in a body, captured ones or a result, are one document: Smile, which Jackson writes and reads, or, if all of
 * them are numbers, booleans, characters, short texts or null, {@link dev.trestle.processpool.values.PlainValues}, which do
 * without it. The first byte tells which.
 *
 * <p>Nothing here uses Java serialization to read: a class is made only from data, by the rules of
 * {@link dev.trestle.processpool.values.TypePolicy}.
 */
@NullMarked
package dev.trestle.processpool.wire;

import org.jspecify.annotations.NullMarked;
