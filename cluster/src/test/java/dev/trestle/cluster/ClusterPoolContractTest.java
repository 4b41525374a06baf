package dev.trestle.cluster;

import dev.trestle.api.FutureExecutor;
import dev.trestle.contract.ExecutorContract;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;

/** The contract of executors, on a member of a cluster: each pool is another client of the same few members. */
class ClusterPoolContractTest extends ExecutorContract {

    /** The members, by the number of their places, each in a cluster of its own. */
    private static final Map<Integer, ClusterMember> members = new HashMap<>();

    @AfterAll
    static void closeMembers() {
        members.values().forEach(ClusterMember::close);
        members.clear();
    }

    private static ClusterPool.Builder builder(int size) {
        ClusterMember member = members.computeIfAbsent(
                size,
                each -> Clusters.member("contract-" + each, "member", each).join());
        Clusters.await(() -> member.statistics().busy() == 0);
        return Clusters.pool("contract-" + size).minMembers(1);
    }

    private static ClusterPool ready(ClusterPool pool, int size) {
        Clusters.await(() -> pool.statistics().places() == size);
        return pool;
    }

    @Override
    protected FutureExecutor newExecutor(int size) {
        return ready(builder(size).build(), size);
    }

    @Override
    protected FutureExecutor newExecutor(int size, int queueLimit) {
        return ready(builder(size).queueLimit(size + queueLimit).build(), size);
    }

    @Override
    protected boolean sharesMemory() {
        return false;
    }

    @Override
    protected boolean isAsNew(FutureExecutor used) {
        var pool = (ClusterPool) used;
        ClusterMember member = members.get(2);
        var counts = pool.statistics();
        return member != null
                && !pool.isShutdown()
                && counts.membersLost() == 0
                && counts.queued() == 0
                && member.statistics().busy() == 0
                && counts.places() == 2;
    }
}
