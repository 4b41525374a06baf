package dev.trestle.processpool.values;

/** A stand-in for the class of lambdas, where a class is needed; has no instances. */
final class LambdaValue {
    private LambdaValue() {}
}
