package dev.trestle.benchmarks;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;

/** A member of a cluster of Hazelcast on loopback, without TLS, whose executor has one thread. */
final class HazelcastMember {

    private HazelcastMember() {}

    /** Runs a member until the process is killed. */
    public static void main(String[] arguments) {
        var _ = Hazelcast.newHazelcastInstance(config(false));
    }

    /** Returns a member that runs no calls, and waits for those that do. */
    static HazelcastInstance client(int members) throws InterruptedException {
        HazelcastInstance client = Hazelcast.newHazelcastInstance(config(true));
        while (client.getCluster().getMembers().size() < members + 1) {
            Thread.sleep(100);
        }
        return client;
    }

    private static Config config(boolean isClient) {
        var config = new Config();
        config.setLiteMember(isClient);
        config.setClusterName("benchmark-of-" + System.getProperty("user.name"));
        config.setProperty("hazelcast.logging.type", "none");
        config.setProperty("hazelcast.phone.home.enabled", "false");
        config.setProperty("hazelcast.socket.bind.any", "false");
        config.getExecutorConfig("calls").setPoolSize(1);
        var network = config.getNetworkConfig();
        network.getInterfaces().setEnabled(true).addInterface("127.0.0.1");
        var join = network.getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true).addMember("127.0.0.1");
        return config;
    }
}
