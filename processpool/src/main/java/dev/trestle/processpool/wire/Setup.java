package dev.trestle.processpool.wire;

/** Hears when this JVM sets itself up to write a value, which takes time that is not that of the call. */
public interface Setup {

    /** Ignores all setups. */
    Setup IGNORED = new Setup() {
        @Override
        public void begins() {}

        @Override
        public void ends() {}
    };

    /** Called before a setup, on the thread that writes the value. A setup may have further ones within. */
    void begins();

    /** Called after a setup, on the same thread. */
    void ends();
}
