package dev.trestle.processpool.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class JavaCommandTest {

    @Test
    void argumentsAreQuotedForTheLauncher() {
        assertThat(JavaCommand.quoted("plain")).isEqualTo("\"plain\"");
        assertThat(JavaCommand.quoted("C:\\a b#\"c\"")).isEqualTo("\"C:\\\\a b#\\\"c\\\"\"");
        assertThat(JavaCommand.quoted("two\nlines")).isEqualTo("\"two\\nlines\"");
    }
}
