package dev.trestle.loop.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A difference as its reader sees it: shrunk to the statements that matter. */
@Timeout(30)
class ShrinkerTest {

    @Test
    void aProgramIsCutDownToWhatMatters() {
        List<Statement> program = program("""
            [["sleep",1],["try",[["within",0,3,[["raise",7],["sleep",2]]],["look",0]],0,[["sleep",3]],0,[]],
             ["spawn",1,[["sleep",4],["cancel",0,1]]]]\
            """);

        List<Statement> small = new Shrinker(candidate -> candidate.toString().contains("[\"raise\",7]")
                        && candidate.toString().contains("cancel"))
                .shrink(program);

        assertThat(small).hasToString("[[\"raise\",7], [\"spawn\",1,[[\"cancel\",0,1]]]]");
    }

    @Test
    void aProgramSurvivesBeingWrittenAndRead() {
        List<Statement> program = ProgramGenerator.program(42);

        assertThat(program(Json.write(program))).isEqualTo(program);
        assertThat(ProgramGenerator.program(42)).isEqualTo(program);
        assertThat(ProgramGenerator.program(43)).isNotEqualTo(program);
    }

    @Test
    void aDifferenceShowsTheProgramAndBothTracesBesideEachOther() {
        List<Statement> program = program("[[\"try\",[[\"raise\",1]],1,[],0,[]]]");

        assertThat(Difference.of(program, List.of("0 0 starts", "0 0 raise ! E2")))
                .get()
                .asString()
                .contains("    try {..} 1 [] 0 []\n        raise 1\n")
                .contains("0 0 starts                               | 0 0 starts\n")
                .contains("0 0 raise ! E2                           # 0 0 raise ! E1\n")
                .contains("                                         # 0 0 catches E1\n");
        assertThat(Difference.of(program, Interpreter.trace(program))).isEmpty();
    }

    private static List<Statement> program(String json) {
        return Statement.block(Json.read(json));
    }
}
