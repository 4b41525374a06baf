/**
 * A server that makes previews of documents that strangers upload, in child JVMs: a hostile document costs its own
 * upload, and never the server.
 */
@NullMarked
package dev.trestle.examples.documents;

import org.jspecify.annotations.NullMarked;
