import org.jspecify.annotations.NullMarked;

/** Process pools and thread pools as beans of Spring Boot. */
@NullMarked
module dev.trestle.spring.boot {
    requires transitive dev.trestle.processpool;
    requires transitive dev.trestle.threadpool;
    requires spring.beans;
    requires spring.boot;
    requires spring.boot.autoconfigure;
    requires spring.context;
    requires spring.core;
    requires static dev.trestle.micrometer;
    requires static micrometer.core;
    requires static spring.boot.actuator;
    requires static spring.boot.actuator.autoconfigure;
    requires static spring.boot.health;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.spring.boot;

    // Spring makes the beans, by reflection
    opens dev.trestle.spring.boot;
}
