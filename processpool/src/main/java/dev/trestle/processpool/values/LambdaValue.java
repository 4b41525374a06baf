package dev.trestle.processpool.values;

/** Stands for lambdas where a class is needed; has no instances. */
final class LambdaValue {
    private LambdaValue() {}
}
