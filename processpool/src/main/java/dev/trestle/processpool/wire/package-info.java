/**
 * The connection between a pool and its workers: frames, the channel that carries them, and the journal of a worker.
 *
 * <p>Both sides use this package, and it uses none of the others. A {@link dev.trestle.processpool.wire.FrameChannel}
 * carries {@link dev.trestle.processpool.wire.Frame}s. The package {@code values} encodes their payloads.
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
 *      arrays          each: kind 1 byte, number of elements 4 bytes, then its elements, or for an array that goes
 *                      through the ring a byte for each of its pieces: {@link dev.trestle.processpool.wire.ArrayRing}
 * </pre>
 *
 * <p>A journal is a mapped file in which a worker notes which call it has begun. It can still be read when the worker
 * is dead.
 */
@NullMarked
package dev.trestle.processpool.wire;

import org.jspecify.annotations.NullMarked;
