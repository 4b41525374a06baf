package dev.trestle.loop.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The loop leaves the same traces as asyncio, line by line, in random programs. */
@Timeout(30)
class DifferentialTest {

    @Test
    void recordedProgramsDoWhatTheyDidOnAsyncio() {
        List<Recording> recordings = Recording.all();

        assertThat(recordings).hasSizeGreaterThan(300);
        assertThat(recordings.stream()
                        .flatMap(recording -> Difference.of(recording.program(), recording.trace()).stream())
                        .findFirst())
                .isEmpty();
    }

    @Test
    void recordedProgramsUseEveryStatementAndSeeEveryOutcome() {
        List<Recording> recordings = Recording.all();

        Set<String> statements = recordings.stream()
                .flatMap(recording -> names(recording.program()))
                .collect(Collectors.toSet());
        assertThat(statements).isEqualTo(ProgramGenerator.statements());
        String lines = recordings.stream()
                .flatMap(recording -> recording.trace().stream())
                .collect(Collectors.joining("\n"));
        assertThat(lines)
                .contains("! cancelled m1", "! cancelled\n", "! timeout", "! E", "! group(", "! misuse")
                .contains("catches cancelled", "catches group(", "[cancelled, ", "loop callback E", "root cancels");
    }

    @Test
    void freshProgramsDoTheSameOnAsyncio() {
        assumeTrue(Asyncio.isThere(), "python3 is missing, or older than 3.11: only recorded programs are compared");
        try (var asyncio = new Asyncio()) {
            assertThat(LongStream.range(0, 500)
                            .mapToObj(seed -> Difference.shrunk(ProgramGenerator.program(seed), asyncio))
                            .flatMap(difference -> difference.stream())
                            .findFirst())
                    .isEmpty();
        }
    }

    private static Stream<String> names(List<Statement> block) {
        return block.stream()
                .flatMap(statement -> Stream.concat(
                        Stream.of(statement.name()), statement.blocks().stream().flatMap(DifferentialTest::names)));
    }
}
