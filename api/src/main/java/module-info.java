import org.jspecify.annotations.NullMarked;

/** Futures and executors that every pool shares: the types that pools implement and callers use. */
@NullMarked
module dev.trestle.api {
    requires static org.slf4j; // what its MDC holds goes along with calls, where it is there
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.api;

    uses dev.trestle.api.ContextCarrier;
    uses dev.trestle.api.WaitGuard;
}
