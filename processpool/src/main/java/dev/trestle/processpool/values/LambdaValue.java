package dev.trestle.processpool.values;

/** Stands for lambdas where a class is needed; nobody makes one. */
final class LambdaValue {
    private LambdaValue() {}
}
