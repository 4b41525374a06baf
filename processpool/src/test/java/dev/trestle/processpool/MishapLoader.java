package dev.trestle.processpool;

/** A system class loader with which a JVM goes wrong before it gets to its main class. */
public final class MishapLoader extends ClassLoader {

    /**
     * Goes wrong, as the property {@code trestle.test.mishap} says.
     *
     * @param parent the usual system class loader
     */
    public MishapLoader(ClassLoader parent) {
        super(parent);
        Mishap.valueOf(System.getProperty("trestle.test.mishap")).happen();
    }
}
