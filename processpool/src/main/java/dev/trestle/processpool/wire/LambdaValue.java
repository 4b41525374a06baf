package dev.trestle.processpool.wire;

/** Stands for lambdas where a class is needed; nobody makes one. */
final class LambdaValue {
    private LambdaValue() {}
}
