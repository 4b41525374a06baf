/**
 * Process pools and thread pools as beans of Spring Boot 3.5 and 4: the {@code ProcessPool} is configured by the
 * properties {@code trestle.process-pool}, ends with the context after the calls in flight, and shows its health and
 * metrics.
 *
 * {@snippet class="dev.trestle.spring.boot.JavadocExamplesTest" region="service"}
 */
@NullMarked
package dev.trestle.spring.boot;

import org.jspecify.annotations.NullMarked;
