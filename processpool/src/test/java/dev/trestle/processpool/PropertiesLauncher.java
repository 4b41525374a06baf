package dev.trestle.processpool;

import java.net.URL;
import java.net.URLClassLoader;

/** Stands for that of Spring Boot: it is in the package of the class loader. */
public final class PropertiesLauncher {

    private PropertiesLauncher() {}

    public static final class NestedJars extends URLClassLoader {
        public NestedJars(URL... urls) {
            super(urls);
        }
    }
}
