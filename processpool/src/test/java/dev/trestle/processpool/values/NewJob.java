package dev.trestle.processpool.values;

import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;

/** The next version of {@link OldJob}: with one lambda more, in front of the others. */
final class NewJob {

    private NewJob() {}

    static Call<String> delete() {
        return () -> "everything deleted";
    }

    static Call<String> lambda() {
        return () -> "report";
    }

    static Call<String> methodReference() {
        return NewJob::text;
    }

    static String text() {
        return "everything deleted";
    }

    static CallFunction<String, String> function() {
        return word -> "everything deleted" + word;
    }

    record Task(String word) implements Call<String> {
        @Override
        public String call() {
            return "everything deleted";
        }
    }

    abstract static class Base implements Call<String> {
        @Override
        public String call() {
            return "everything deleted";
        }
    }
}
