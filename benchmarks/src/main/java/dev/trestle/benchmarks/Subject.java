package dev.trestle.benchmarks;

/** A program or a library whose cost is measured: a column of the table. */
enum Subject {
    TRESTLE("Trestle"),
    OPENED("Trestle, java.lang opened"),
    JDK("JDK"),
    BARE("bare JVM and socket"),
    KOTLIN("Kotlin"),
    CPYTHON("CPython");

    private final String label;

    Subject(String label) {
        this.label = label;
    }

    @Override
    public String toString() {
        return label;
    }
}
