import org.jspecify.annotations.NullMarked;

/** An executor whose calls run in child JVMs on many machines. */
@NullMarked
module dev.trestle.cluster {
    requires transitive dev.trestle.api;
    requires transitive dev.trestle.processpool;
    requires transitive java.sql;
    // JGroups has no module descriptor that says what it needs
    requires java.management;
    requires java.naming;
    requires info.picocli;
    requires org.jgroups;
    requires org.slf4j;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.cluster;

    opens dev.trestle.cluster to
            info.picocli;
}
