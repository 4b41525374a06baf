package dev.trestle.cluster;

import dev.trestle.processpool.wire.Frame;
import dev.trestle.processpool.wire.FrameChannel;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;

/** The introduction of a node: its name, its machine, its versions and its code. */
final class Identity {

    private Identity() {}

    /** Returns an introduction of this program. */
    static Frame.Introduction of(
            String cluster, String name, int places, int ahead, String refusal, Map<String, String> code) {
        return new Frame.Introduction(
                FrameChannel.PROTOCOL_VERSION,
                cluster,
                name,
                host(),
                ProcessHandle.current().pid(),
                System.getProperty("java.version"),
                places,
                ahead,
                refusal,
                code);
    }

    static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown host";
        }
    }

    /**
     * Returns why a client must not give calls to a member; empty if it may.
     *
     * @param client the introduction of the client
     * @param member the introduction of the member
     */
    static String objection(Frame.Introduction client, Frame.Introduction member) {
        if (client.protocolVersion() != member.protocolVersion()) {
            return "it speaks version " + member.protocolVersion() + " of the protocol, this program "
                    + client.protocolVersion();
        }
        if (!client.cluster().equals(member.cluster())) {
            return "it belongs to the cluster '" + member.cluster() + "', and not to '" + client.cluster() + "'";
        }
        if (!member.refusal().isEmpty()) {
            return "it says: " + member.refusal();
        }
        if (feature(client) != feature(member)) {
            return "it runs on Java " + member.javaVersion() + ", this program on " + client.javaVersion();
        }
        String difference = Code.difference(client.code(), member.code());
        return difference.isEmpty() ? "" : "its code differs: " + difference;
    }

    private static int feature(Frame.Introduction introduction) {
        return Runtime.Version.parse(introduction.javaVersion()).feature();
    }
}
