package dev.trestle.processpool;

import java.net.URL;
import java.net.URLClassLoader;

/** Stands for that of Spring Boot: it is in the package of the class loader. */
final class PropertiesLauncher {

    private PropertiesLauncher() {}

    static final class NestedJars extends URLClassLoader {
        NestedJars(URL... urls) {
            super(urls);
        }
    }
}
