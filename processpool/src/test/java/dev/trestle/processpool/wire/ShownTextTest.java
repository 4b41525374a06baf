package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The characters that messages and logs show as escapes. */
@Timeout(30)
class ShownTextTest {

    @Test
    void everyControlCharacterIsShownExceptTabAndTheEndsOfLines() {
        List<Integer> raw = IntStream.rangeClosed(0, Character.MAX_VALUE)
                .filter(Character::isISOControl)
                .filter(each -> ShownText.text("a" + (char) each + "b").indexOf(each) >= 0)
                .boxed()
                .toList();

        assertThat(raw).containsExactly((int) '\t', (int) '\n');
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0x1B, 0x0D, 0x07, 0x08, 0x00, 0x7F, 0x80, 0x85, 0x9B, 0x9F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066,
                0x2069, 0x200E, 0x200F, 0x061C, 0xD800, 0xDFFF
            })
    void controlAndDirectionCharactersAreShown(int character) {
        String shown = "before\\u%04xafter".formatted(character);

        assertThat(ShownText.text("before" + (char) character + "after")).isEqualTo(shown);
        assertThat(ShownText.line("before" + (char) character + "after")).isEqualTo(shown);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "plain",
                "grüße",
                "日本語",
                "עברית",
                "\uD83D\uDE00 and \uD83D\uDC68‍\uD83D\uDC69",
                "tab\there",
                "\\u001b"
            })
    void otherTextIsTheSameObject(String text) {
        assertThat(ShownText.line(text)).isSameAs(text);
        assertThat(ShownText.text(text)).isSameAs(text);
        assertThat(ShownText.indented(text)).isSameAs(text);
    }

    @ParameterizedTest
    @CsvSource({
        "'a\nb', 'a\\u000ab', 'a\nb', 'a\n\tb'",
        "'a\r\nb', 'a\\u000d\\u000ab', 'a\nb', 'a\n\tb'",
        "'a\rb', 'a\\u000db', 'a\\u000db', 'a\\u000db'",
        "'a\r\r\nb', 'a\\u000d\\u000d\\u000ab', 'a\\u000d\nb', 'a\\u000d\n\tb'"
    })
    void endsOfLinesAreShownKeptOrIndented(String text, String line, String lines, String indented) {
        assertThat(ShownText.line(text)).isEqualTo(line);
        assertThat(ShownText.text(text)).isEqualTo(lines);
        assertThat(ShownText.indented(text)).isEqualTo(indented);
    }

    @Test
    void aCutTextSaysHowMuchIsMissing() {
        assertThat(ShownText.cut("0123456789", 10)).isEqualTo("0123456789");
        assertThat(ShownText.cut("0123456789", 4)).isEqualTo("0123... (6 more characters)");
    }
}
