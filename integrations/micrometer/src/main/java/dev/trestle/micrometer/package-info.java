/**
 * Metrics of pools and event loops, for Micrometer: one {@code MeterBinder} for each.
 *
 * {@snippet class="dev.trestle.micrometer.JavadocExamplesTest" region="bind"}
 *
 * <p>The metrics that Micrometer has for any executor have the same names and tags here ({@code executor.active},
 * {@code executor.queued}, {@code executor.completed}, {@code executor.pool.size}, the timers {@code executor} and
 * {@code executor.idle}; the tag {@code name}), so dashboards of executors show these pools too. The other names begin
 * with {@code trestle}. The file {@code docs/grafana-dashboard.json} of the project is a dashboard for all of them.
 */
@NullMarked
package dev.trestle.micrometer;

import org.jspecify.annotations.NullMarked;
