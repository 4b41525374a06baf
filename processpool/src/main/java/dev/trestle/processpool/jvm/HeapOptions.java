package dev.trestle.processpool.jvm;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The options of a JVM that decide how large its heap becomes. */
final class HeapOptions {

    // Loops here too, as in JavaCommand: the constructor of a program's first pool comes here.

    /** The beginnings of the options that set the largest heap, instead of the pool. */
    private static final List<String> setting = List.of(
            "-Xmx",
            "-XX:MaxHeapSize=",
            "-XX:MaxRAMPercentage=",
            "-XX:MaxRAMFraction=",
            "-XX:MaxRAM=",
            "-XX:+AggressiveHeap",
            "-XX:Flags=",
            "-XX:VMOptionsFile=",
            "-mx",
            "@");

    /** The patterns of options with sizes, for pools that limit the memory of their workers. */
    private static final class Sizes {

        /** With the size in bytes, k, m, g or t. */
        static final Pattern HEAP = Pattern.compile(
                "-(?:Xmx|mx|Xms|ms|XX:(?:MaxHeapSize|InitialHeapSize|MinHeapSize)=)(\\d{1,15})([kKmMgGtT]?)");

        static final Pattern SHARE = Pattern.compile("-XX:(?:Max|Initial)RAMPercentage=(\\d{1,3}(?:\\.\\d+)?)");
    }

    /** The JVM's own least of a largest heap, on a machine that is not tiny. */
    private static final long LEAST = 124L << 20;

    /** The memory of a JVM outside of its heap: classes, compiled code, stacks, buffers. */
    private static final long BESIDE_THE_HEAP = 80L << 20;

    private HeapOptions() {}

    /** Adds the option for the largest heap of a worker, unless the program has chosen one for its workers. */
    static void add(JvmOptions options, List<String> arguments) {
        boolean chosen = setLargest(ManagementFactory.getRuntimeMXBean().getInputArguments());
        long ofProgram = chosen ? Runtime.getRuntime().maxMemory() : Long.MAX_VALUE;
        boolean matters =
                ofProgram > LEAST && (chosen || options.limits().memory().isPresent());
        String option = largest(options, ofProgram, matters ? machineMemory() : OptionalLong.empty());
        if (!option.isEmpty()) {
            arguments.add(option);
        }
    }

    /**
     * Returns the option for the largest heap of a worker: its share of the quarter of the memory that the JVM gives to
     * one program, and not more than the program's own heap, or than fits under the limit of the worker's memory. Empty
     * if the program has chosen one for its workers.
     *
     * @param ofProgram the largest heap that the program was started with; {@link Long#MAX_VALUE} if it chose none
     * @param machine the memory; empty if it is not known, or does not matter
     */
    static String largest(JvmOptions options, long ofProgram, OptionalLong machine) {
        if (options.heapBytes() > 0) {
            return "-Xmx" + options.heapBytes();
        }
        if (setLargest(options.arguments())) {
            return "";
        }
        OptionalLong limit = options.limits().memory();
        long most = limit.isPresent() ? Math.min(ofProgram, fitting(limit.getAsLong())) : ofProgram;
        if (options.jail().isPresent()) {
            most = Math.min(most, Jail.heap(0));
        }
        if (most == Long.MAX_VALUE) {
            return "-XX:MaxRAMPercentage=" + thousandths(25_000 / options.count()); // by the JVM, which starts faster
        }
        return "-Xmx"
                + (machine.isPresent()
                        ? Math.min(most, Math.max(LEAST, machine.getAsLong() / 4 / options.count()))
                        : most);
    }

    /** Returns the largest heap of a process that may hold so many bytes in all. */
    static long fitting(long limit) {
        return limit - Math.max(limit / 4, Math.min(limit / 4 * 3, BESIDE_THE_HEAP));
    }

    /** Returns a number as a decimal fraction; a formatter would cost the first pool of a program ten milliseconds. */
    private static String thousandths(int number) {
        return number / 1000 + "." + String.valueOf(1000 + number % 1000).substring(1);
    }

    /** Returns the size of the heap that an option asks for; 0 if it asks for none, or in an unknown way. */
    static long bytesOf(String option) {
        Matcher size = Sizes.HEAP.matcher(option);
        if (size.matches()) {
            int shift = switch (size.group(2).toLowerCase(Locale.ROOT)) {
                case "k" -> 10;
                case "m" -> 20;
                case "g" -> 30;
                case "t" -> 40;
                default -> 0;
            };
            long number = Long.parseLong(size.group(1));
            return number > Long.MAX_VALUE >> shift ? Long.MAX_VALUE : number << shift;
        }
        Matcher share = Sizes.SHARE.matcher(option);
        return share.matches() && machineMemory().isPresent()
                ? (long) (machineMemory().getAsLong() / 100.0 * Double.parseDouble(share.group(1)))
                : 0;
    }

    /** Returns whether an option sets the largest heap. */
    static boolean setLargest(List<String> options) {
        for (String each : options) {
            for (String beginning : setting) {
                if (each.startsWith(beginning)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Returns the memory that a JVM sees here: of the machine, or of the container; empty if that is not known. */
    static OptionalLong machineMemory() {
        try {
            // By reflection: a runtime made by jlink may lack the module jdk.management.
            Class<?> type = Class.forName("com.sun.management.OperatingSystemMXBean");
            return OptionalLong.of(
                    (long) type.getMethod("getTotalMemorySize").invoke(ManagementFactory.getOperatingSystemMXBean()));
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            return OptionalLong.empty();
        }
    }
}
