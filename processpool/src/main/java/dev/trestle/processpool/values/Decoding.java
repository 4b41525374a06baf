package dev.trestle.processpool.values;

import java.util.List;
import tools.jackson.databind.DatabindContext;

/**
 * One payload being read: its arrays, and what it may name. An attribute of Jackson's context.
 *
 * @param arrays the out-of-band arrays
 * @param policy which classes the sender may name
 * @param slots the declared types of the values, in order
 * @param depth how many exceptions it is within, as a value of their fields
 */
@SuppressWarnings("ArrayRecordComponent") // no code compares decodings
record Decoding(List<Object> arrays, TypePolicy policy, Slot[] slots, int depth) {

    /** Returns the decoding that a context belongs to. */
    static Decoding of(DatabindContext context) {
        return (Decoding) context.getAttribute(Decoding.class);
    }

    /** Returns the array with a number from the wire. */
    Object array(int number, Class<?> type) {
        if (number < 0 || number >= arrays.size() || arrays.get(number).getClass() != type) {
            throw new RefusedException(
                    type.getTypeName(), "refers to array " + number + ", which is not there or of another type", "");
        }
        return arrays.get(number);
    }
}
