package dev.trestle.loop.faults;

import java.lang.reflect.InvocationTargetException;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/**
 * Runs the {@link Scenario} again and again, each time with an error at another site, or with many at random.
 * Arguments: seed, how many sites (0 for all), how many runs with errors at random. For a JVM of its own.
 */
final class FaultProgram {

    private FaultProgram() {}

    public static void main(String[] args) throws Exception {
        long seed = Long.parseLong(args[0]);
        int siteRuns = Integer.parseInt(args[1]);
        int randomRuns = Integer.parseInt(args[2]);
        var random = new Random(seed);
        Class<?> scenario = new FaultLoader(FaultProgram.class.getClassLoader(), Scenario.class)
                .loadClass(Scenario.class.getName());
        run(scenario); // loads and initializes
        Faults.beginCounting();
        run(scenario);
        int[] visits = Faults.endCounting();
        int[] sites = IntStream.range(0, visits.length)
                .filter(each -> visits[each] > 0)
                .toArray();
        int thrown = 0;
        int failed = 0;
        Faults.Kind[] kinds = Faults.Kind.values();
        int runs = siteRuns == 0 ? sites.length * kinds.length : siteRuns;
        for (int i = 0; i < runs; i++) {
            int site = siteRuns == 0 ? sites[i / kinds.length] : sites[random.nextInt(sites.length)];
            Faults.Kind kind = siteRuns == 0 ? kinds[i % kinds.length] : kinds[random.nextInt(kinds.length)];
            int visit = 1 + random.nextInt(Math.min(10, visits[site]));
            Faults.arm(site, visit, kind);
            String fault = run(scenario);
            thrown += Faults.disarm();
            if (!fault.isEmpty()) {
                failed++;
                System.out.println(
                        "FAILED with " + kind + " at visit " + visit + " of " + Faults.site(site) + ": " + fault);
            }
        }
        int atRandom = 0;
        for (int i = 0; i < randomRuns && failed == 0; i++) { // what a failed run has left disturbs the next
            Faults.arm(new Random(random.nextLong()), 300);
            String fault = run(scenario);
            atRandom += Faults.disarm();
            if (!fault.isEmpty()) {
                failed++;
                System.out.println("FAILED with errors at random: " + fault);
            }
        }
        System.out.println("seed " + seed + ": " + sites.length + " sites, " + runs + " runs with one error, of which "
                + thrown + " met it, " + randomRuns + " with " + atRandom + " errors at random, " + failed + " failed");
        System.exit(0); // what a failed run has left does not keep this JVM
    }

    @SuppressWarnings("unchecked")
    private static String run(Class<?> scenario) throws Exception {
        while (true) {
            try {
                return ((Callable<String>) scenario.getDeclaredConstructor().newInstance()).call();
            } catch (InvocationTargetException e) {
                Thread.onSpinWait(); // injected into a constructor
            }
        }
    }
}
