package dev.trestle.processpool.values;

import java.util.List;

/** A kind of collections or of maps, with the names by which {@link KindIndex} finds the kind. */
sealed interface ContainerKind permits CollectionKind, MapKind {

    Names names();

    /** Returns the name that containers of this kind have on the wire; empty if the wire cannot name the kind. */
    default String wireName() {
        return names().wireName();
    }

    /** Returns the class that stands for this kind. A kind for classes of the user's has none. */
    default Class<?> type() {
        return KindIndex.load(names().classNames().getFirst());
    }

    /**
     * The names of a kind.
     *
     * @param wireName its name on the wire; empty if the wire cannot name the kind
     * @param classNames the names of its classes of the JDK, first the class that stands for the kind
     */
    record Names(String wireName, List<String> classNames) {

        Names(String wireName, String... classNames) {
            this(wireName, List.of(classNames));
        }
    }
}
