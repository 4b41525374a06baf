package dev.trestle.benchmarks;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * One figure.
 *
 * @param subject the program or library that was measured
 * @param name the name of the measurement, the same for all subjects that do the same
 * @param value the figure, in the unit
 * @param unit the unit of the value
 */
record Result(Subject subject, String name, double value, Unit unit) {

    enum Unit {
        NANOS("ns", "us", "ms", "s"),
        BYTES("B", "KB", "MB", "GB"),
        PER_SECOND("/s", "k/s", "M/s", "G/s"),
        BYTES_PER_SECOND("B/s", "KB/s", "MB/s", "GB/s"),
        FRACTION(""),
        /** Times as much as something else. */
        TIMES("x"),
        /** A number for each operation. */
        EACH("");

        private final String[] names;

        Unit(String... names) {
            this.names = names;
        }

        boolean lessIsBetter() {
            return this == NANOS || this == BYTES || this == TIMES || this == EACH;
        }

        /** Three digits, in the largest unit that fits. */
        String format(double value) {
            int thousands = 0;
            while (value >= 1000 && thousands + 1 < names.length) {
                value /= 1000;
                thousands++;
            }
            return (rounded(value) + " " + names[thousands]).strip();
        }
    }

    /** Reads the output of a program: {@code name<TAB>value<TAB>unit}. */
    static Result parse(Subject subject, String line) {
        String[] fields = line.split("\t");
        if (fields.length != 3) {
            throw new IllegalArgumentException(
                    "A program of " + subject + " printed '" + line + "' where name, value and unit were expected");
        }
        double value = Double.parseDouble(fields[1]);
        return switch (fields[2]) {
            case "ns" -> new Result(subject, fields[0], value, Unit.NANOS);
            case "us" -> new Result(subject, fields[0], value * 1e3, Unit.NANOS);
            case "ms" -> new Result(subject, fields[0], value * 1e6, Unit.NANOS);
            case "B" -> new Result(subject, fields[0], value, Unit.BYTES);
            case "calls/s", "items/s" -> new Result(subject, fields[0], value, Unit.PER_SECOND);
            case "GB/s" -> new Result(subject, fields[0], value * 1e9, Unit.BYTES_PER_SECOND);
            case "times" -> new Result(subject, fields[0], value, Unit.TIMES);
            case "each" -> new Result(subject, fields[0], value, Unit.EACH);
            case "of 1" -> new Result(subject, fields[0], value, Unit.FRACTION);
            default ->
                throw new IllegalArgumentException(
                        "A program of " + subject + " printed the unknown unit '" + fields[2] + "': " + line);
        };
    }

    /** Returns the ratio by which this result is better than another; below 1, it is worse. */
    double timesBetterThan(Result other) {
        return unit.lessIsBetter() ? other.value / value : value / other.value;
    }

    Result better(Result other) {
        return timesBetterThan(other) >= 1 ? this : other;
    }

    String formatted() {
        return unit.format(value);
    }

    static String rounded(double value) {
        if (value >= 100) {
            return String.valueOf(Math.round(value));
        }
        return new BigDecimal(value, new MathContext(3, RoundingMode.HALF_UP)).toPlainString();
    }
}
