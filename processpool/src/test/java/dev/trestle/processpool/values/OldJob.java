package dev.trestle.processpool.values;

import dev.trestle.api.Call;
import dev.trestle.api.CallFunction;

/** A class of a program that is running; {@link NewJob} is what it becomes on disk. */
final class OldJob {

    private OldJob() {}

    static Call<String> lambda() {
        return () -> "report";
    }

    static Call<String> otherLambda() {
        return () -> "something else";
    }

    static Call<String> methodReference() {
        return OldJob::text;
    }

    static String text() {
        return "report";
    }

    static Call<String> functionWithin() {
        CallFunction<String, String> function = word -> word + "port";
        return Owner.applied(function);
    }

    static Call<String> object() {
        return new Task("report");
    }

    static Call<String> inherited() {
        return new Heir();
    }

    /** A class that stays as it is. */
    static final class Owner {
        private Owner() {}

        static Call<String> applied(CallFunction<String, String> function) {
            return () -> function.apply("re");
        }
    }

    record Task(String word) implements Call<String> {
        @Override
        public String call() {
            return word;
        }
    }

    abstract static class Base implements Call<String> {
        @Override
        public String call() {
            return "report";
        }
    }

    /** A class that stays as it is, but its superclass does not. */
    static final class Heir extends Base {}
}
