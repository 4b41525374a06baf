package dev.trestle.api;

import java.io.Serializable;

/** A {@link Runnable} that can travel: a {@link Call} without a result. */
@FunctionalInterface
public interface RunnableCall extends Runnable, Serializable {}
