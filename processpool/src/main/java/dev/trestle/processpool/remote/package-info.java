/**
 * The entry to the process pool for the module of clusters, and for no other code: workers that another module adds to
 * a pool, and calls that come from another program.
 *
 * <p>A client's pool sees a member of a cluster as one worker with several places: a {@link
 * dev.trestle.processpool.remote.RemoteWorker}. A member's pool runs calls of clients without reading their values: a
 * {@link dev.trestle.processpool.remote.CallIntake} takes them.
 */
@NullMarked
package dev.trestle.processpool.remote;

import org.jspecify.annotations.NullMarked;
