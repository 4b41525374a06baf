package dev.trestle.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * An annotation of a class of JUnit Jupiter tests, from JUnit 5.13 on: a test fails if it leaves something behind.
 *
 * {@snippet class="dev.trestle.testkit.JavadocExamplesTest" region="no-leaks"}
 *
 * <p>These are looked for when a test, its {@code AfterEach} methods and its {@code AutoClose} fields are over:
 *
 * <ul>
 *   <li>process pools, thread pools and event loops that the test has created and not closed, each with the place where
 *       it was created, its workers, its open calls and its tasks;
 *   <li>calls and tasks that the test has left in a pool or a loop that other tests share;
 *   <li>child processes that the test has started, unless a process pool is shared: such a pool may have started them.
 * </ul>
 *
 * <p>A pool that was shut down, and a process, have two seconds to end. When the tests of a class are over, the same
 * holds for what was created by {@code BeforeAll} methods and while the class ran. Threads are not looked at, so those
 * of the JDK raise no alarm.
 *
 * <p>Objects that are created while a test runs count as the test's, on whichever thread: tests that run at the same
 * time in one JVM are blamed for each other's.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(NoLeaksExtension.class)
public @interface NoLeaks {

    /**
     * Returns whether the tests of the class may share what they create, such as a pool that the first of them creates;
     * then only what is open at the end of the class is left behind.
     *
     * @return whether only the end of the class counts
     */
    boolean sharedByClass() default false;
}
