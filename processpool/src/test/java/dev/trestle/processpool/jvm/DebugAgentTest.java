package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class DebugAgentTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                DebugAgent.ON_LOOPBACK,
                "-agentlib:jdwp=server=y,address=5005",
                "-agentlib:jdwp=server=y",
                "-agentlib:jdwp=address=localhost:5005,server=y",
                "-agentlib:jdwp=address=[::1]:0,server=y",
                "-Xrunjdwp:transport=dt_socket,address=127.1.2.3:5005"
            })
    void anAgentOnTheLoopbackInterfaceIsForTheUsersOfThisMachine(String agent) {
        assertThat(DebugAgent.warning("pool-1", agent))
                .contains("pool-1", agent, "loopback interface", "JDWP asks for no password")
                .contains("any user of this machine can run code as the user of this program")
                .contains("not for production");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-agentlib:jdwp=server=y,address=*:5005",
                "-agentlib:jdwp=address=0.0.0.0:5005,server=y",
                "-agentlib:jdwp=address=[::]:0,server=y",
                "-agentlib:jdwp=address=127.0.0.1.example.com:1",
                "-Xrunjdwp:transport=dt_socket,address=192.168.1.1:5005",
                "-Xrunjdwp:address=*:5005,server=y"
            })
    void anAgentOnAnotherAddressIsForTheUsersOfOtherMachines(String agent) {
        assertThat(DebugAgent.warning("pool-1", agent))
                .contains("pool-1", agent, "on any machine that reaches this one", "JDWP asks for no password")
                .contains("can run code as the user of this program", "not for production");
    }
}
