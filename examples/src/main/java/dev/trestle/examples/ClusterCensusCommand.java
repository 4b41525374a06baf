package dev.trestle.examples;

import com.google.errorprone.annotations.FormatMethod;
import dev.trestle.api.BrokenExecutorException;
import dev.trestle.cluster.ClusterPool;
import dev.trestle.cluster.Member;
import dev.trestle.cluster.MembershipListener;
import dev.trestle.loop.EventLoop;
import dev.trestle.threadpool.ThreadPool;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;

/** The command line of the census over a cluster. */
@Command(
        name = "cluster-census",
        description = "The census over a cluster of JVMs, one of which is killed in the middle.",
        footer = {
            "",
            "Starts members on this machine, which talk over TLS with certificates of each",
            "other, and kills the second one when half is counted. The totals are those of",
            "the census: batches that it had are counted again by the others.",
        },
        sortOptions = false)
final class ClusterCensusCommand implements Callable<Integer> {

    /** The number of the member that is killed. */
    private static final int VICTIM = 2;

    private static final int MOST = 100;

    @Parameters(
            paramLabel = "PATH",
            description = "Jars, directories of class files, or class files. Default: the modules of the running JDK.")
    private List<Path> paths = List.of();

    @Option(names = "--members", paramLabel = "N", description = "The number of members to start. Default: 3.")
    private int members = 3;

    @Option(names = "--workers", paramLabel = "N", description = "The number of child JVMs of each member. Default: 1.")
    private int workers = 1;

    @Option(names = "--json", paramLabel = "FILE", description = "Write everything that was counted to this file, too.")
    private @Nullable Path json;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this.")
    @SuppressWarnings("UnusedVariable") // read by picocli
    private boolean help;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        check();
        say(
                "starts %d members with %d %s each, and a key for TLS",
                members, workers, workers == 1 ? "worker" : "workers");
        try (var local = LocalMembers.start(members, workers, text -> say("%s", text))) {
            return count(local);
        } catch (IOException e) {
            say("%s", e.getMessage());
            return 1;
        }
    }

    private void check() {
        for (Path path : paths) {
            if (!Files.exists(path)) {
                throw wrong("No such file or directory: " + path);
            }
        }
        if (members < 2 || members > MOST) {
            throw wrong("--members must be between 2 and " + MOST + ", since one is killed, and not " + members);
        }
        if (workers < 1 || workers > MOST) {
            throw wrong("--workers must be between 1 and " + MOST + ", not " + workers);
        }
        if (json != null
                && (Files.isDirectory(json)
                        || !Files.isDirectory(json.toAbsolutePath().resolveSibling(".")))) {
            throw wrong("--json needs a file in a directory that exists, unlike " + json);
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private int count(LocalMembers local) throws IOException {
        try (var readers = new ThreadPool(2);
                var pool = local.pool().build()) {
            for (Member each : pool.members()) {
                say("%s has joined (pid %d)", each.name(), each.pid());
            }
            pool.addMembershipListener(new News());
            var lines = new Progress.Lines(err(), members * workers, System::nanoTime);
            var progress = new Halfway(
                    lines,
                    (done, total) -> say(
                            "kills member-%d (pid %d) after %,d of %,d class files",
                            VICTIM, local.kill(VICTIM), done, total));
            var census = new Census(readers, pool, progress);
            long start = System.nanoTime();
            EventLoop.run(() -> census.take(paths));
            return report(census, pool, (System.nanoTime() - start) / 1e9);
        } catch (BrokenExecutorException e) {
            say("%s", e.getMessage());
            local.lastWords().forEach(each -> say("%s", each));
            return 1;
        }
    }

    private int report(Census census, ClusterPool pool, double seconds) {
        List<String> sources = paths.isEmpty()
                ? List.of("JDK " + Runtime.version())
                : paths.stream().map(Path::toString).toList();
        var report =
                new CensusReport(true, sources, census.total(), members * workers, false, seconds, census.counts());
        report.print(out());
        out().printf(
                        Locale.ROOT,
                        "%,d calls ran on %d members, of which %d are left; %,d were lost with a member, and ran"
                                + " again%n",
                        pool.statistics().submitted(),
                        members,
                        pool.members().size(),
                        pool.statistics().lost());
        out().flush();
        if (json == null) {
            return 0;
        }
        try {
            report.writeJson(json);
            return 0;
        } catch (JacksonException e) {
            say("cannot write %s: %s", json, e.getOriginalMessage());
            return 1;
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }

    @FormatMethod
    private void say(String format, @Nullable Object... values) {
        err().println("cluster-census: " + String.format(Locale.ROOT, format, values));
        err().flush();
    }

    /** Lines for members that come and go. */
    private final class News implements MembershipListener {

        @Override
        public void joined(Member member) {
            say("%s has joined (pid %d)", member.name(), member.pid());
        }

        @Override
        public void left(Member member, String why) {
            say("%s has left: %s", member.name(), why);
        }
    }

    /** An action at a point of a census. */
    @FunctionalInterface
    private interface Action {
        void run(long done, long total);
    }

    /** A progress display with an action when half is done, unless that is all. */
    private static final class Halfway implements Progress {

        private final Progress shown;
        private final Action action;
        private long total;
        private boolean isOver;

        Halfway(Progress shown, Action action) {
            this.shown = shown;
            this.action = action;
        }

        @Override
        public void begin(long total) {
            this.total = total;
            shown.begin(total);
        }

        @Override
        public void advance(long done) {
            shown.advance(done);
            if (!isOver && done * 2 >= total && done < total) {
                isOver = true;
                action.run(done, total);
            }
        }

        @Override
        public void end() {
            shown.end();
        }
    }
}
