package dev.trestle.processpool.values;

import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks into a wrapper of the JDK's, such as an unmodifiable set, which keeps what it wraps to itself. Java
 * serialization asks for each object that it meets whether it is to be replaced: there the wrapped one comes by. It is
 * replaced by nothing, so none of its own methods is called, and what is written goes nowhere.
 */
final class Wrapped extends ObjectOutputStream {

    private final List<Object> parts = new ArrayList<>(1);
    private boolean isWithin;

    private Wrapped() throws IOException {
        super(OutputStream.nullOutputStream());
        enableReplaceObject(true);
    }

    /** Returns the one object that a wrapper refers to. */
    static Object in(Object wrapper) {
        try (var search = new Wrapped()) {
            search.writeObject(wrapper);
            if (search.parts.size() == 1) {
                return search.parts.getFirst();
            }
        } catch (NotSerializableException e) {
            // it refers to something else too, which is not known
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new RefusedException(
                wrapper.getClass().getName(),
                Refusal.container(wrapper.getClass()).reason(),
                Refusal.PASS_A_COPY);
    }

    @Override
    protected @Nullable Object replaceObject(Object object) {
        if (!isWithin) {
            isWithin = true;
            return object;
        }
        parts.add(object);
        return null;
    }
}
