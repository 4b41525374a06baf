/** An application of Spring Boot with a pool of processes, for all versions of Spring Boot. */
package dev.trestle.integration;
