import org.jspecify.annotations.NullMarked;

/** Programs to run and to read. */
@NullMarked
module dev.trestle.examples {
    requires dev.trestle.api;
    requires dev.trestle.bridge;
    requires dev.trestle.cluster;
    requires dev.trestle.loop;
    requires dev.trestle.processpool;
    requires dev.trestle.threadpool;
    requires info.picocli;
    requires java.desktop; // images
    requires java.logging; // the warnings of a loop
    requires java.net.http;
    requires jdk.httpserver;
    requires me.tongfei.progressbar;
    requires org.apache.commons.logging; // of PDFBox
    requires org.apache.fontbox;
    requires org.apache.pdfbox;
    requires org.apache.pdfbox.io;
    requires org.slf4j.simple; // what the pools log goes to stderr
    requires tools.jackson.databind;
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    // Reflection reads the command line, and writes the report and the values for child JVMs.
    opens dev.trestle.examples to
            info.picocli,
            tools.jackson.databind,
            dev.trestle.processpool;
    opens dev.trestle.examples.documents to
            info.picocli,
            tools.jackson.databind,
            dev.trestle.processpool;
}
