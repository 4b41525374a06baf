package dev.trestle.processpool;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;

@Timeout(10)
class LogTest {

    @Test
    void aLoggerThatThrowsDoesNoHarm() {
        var broken = (Logger)
                Proxy.newProxyInstance(LogTest.class.getClassLoader(), new Class<?>[] {Logger.class}, (_, _, _) -> {
                    throw new OutOfMemoryError("by hand");
                });

        assertThatCode(() -> new Log(broken).error("{} failed", "it")).doesNotThrowAnyException();
    }
}
