import org.jspecify.annotations.NullMarked;

/** What a future and an executor are: the types that every pool implements and every caller uses. */
@NullMarked
module dev.trestle.api {
    requires static org.jspecify;
    requires static com.google.errorprone.annotations;

    exports dev.trestle.api;

    uses dev.trestle.api.WaitGuard;
}
