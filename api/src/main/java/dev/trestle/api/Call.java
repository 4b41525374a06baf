package dev.trestle.api;

import java.io.Serializable;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Callable} that can travel to another process.
 *
 * <p>A lambda given to {@link FutureExecutor#submit(Call)} becomes a {@code Call} by itself. It travels as the name of
 * its method and its captured values; the values are never written by Java serialization.
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface Call<T extends @Nullable Object> extends Callable<T>, Serializable {}
