package dev.trestle.loop.differential;

import java.io.InputStream;

/** The files beside these classes. */
final class Resource {

    private Resource() {}

    static InputStream open(String name) {
        InputStream stream = Resource.class.getResourceAsStream(name);
        if (stream == null) {
            throw new IllegalStateException("No file " + name + " on the class path beside " + Resource.class);
        }
        return stream;
    }
}
