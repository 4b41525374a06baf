package dev.trestle.examples.documents;

/** The result of an upload: a preview, or the reason why there is none. */
sealed interface Result permits Preview, Failure {}
