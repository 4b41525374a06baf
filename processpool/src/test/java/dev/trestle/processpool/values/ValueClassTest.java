package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.spi.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Classes whose constructor takes their fields, as other compilers make them; they are carried as records are. */
@Timeout(30)
class ValueClassTest {

    @TempDir
    Path folder = Path.of("");

    /** A class as Lombok makes it of {@code @Value}; this file's parameters have names. */
    static final class Price {
        private final String currency;
        private final int amount;
        private final @Nullable List<Price> parts;

        private Price(String currency, int amount, @Nullable List<Price> parts) {
            this.currency = currency;
            this.amount = amount;
            this.parts = parts;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Price that
                    && currency.equals(that.currency)
                    && amount == that.amount
                    && Objects.equals(parts, that.parts);
        }

        @Override
        public int hashCode() {
            return Objects.hash(currency, amount, parts);
        }
    }

    private static Price priceOf(Price part) {
        return new Price("EUR", part.amount + 1, List.of(part));
    }

    @Test
    void objectsArriveEqual() throws Throwable {
        var price = new Price("CHF", 3, null);
        Call<Price> call = () -> priceOf(price);

        assertThat(Journey.allowingNothing().run(call)).isEqualTo(priceOf(price));
    }

    /** A class that is neither a record nor a data class is made only if the type of the result leads to it. */
    @Test
    void objectThatTheResultDoesNotDeclareIsRefused() {
        Call<Object> call = () -> new Price("EUR", 1, null);

        assertThatThrownBy(() -> Journey.allowingNothing().run(call))
                .hasMessageContaining("Price may not be part of this result");
    }

    private static final String EQUALS =
            "public boolean equals(Object o) { return true; }" + " public int hashCode() { return 1; } ";

    private static final String PAIR = "Value(int x, int y) { a = x; b = y; }";

    /** Compiled without the names of parameters, as other compilers do. */
    private Class<?> compiled(String members) throws Exception {
        Path product = Files.createDirectories(folder.resolve("scala")).resolve("Product.java");
        Files.writeString(product, "package scala; public interface Product {}");
        Path source = Files.writeString(folder.resolve("Value.java"), "public final class Value " + members);
        var output = new StringWriter();
        var writer = new PrintWriter(output);
        int exit = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(writer, writer, "-proc:none", "-d", folder.toString(), source.toString(), product.toString());
        assertThat(exit).as(output.toString()).isZero();
        try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, null)) {
            return loader.loadClass("Value");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        kotlin | final int a, b; E int component1() { return a; } int component2() { return b; }
        hashed | final int a, b; E int component1$m() { return a; } int component2-x() { return b; }
        partly | final int a; int b; E int component1() { return a; }
        differ | final int a; final long b; E
        """)
    void classesWithUnambiguousParametersAreCarried(String kind, String members) throws Exception {
        String fields = members.replace("E ", EQUALS).replaceAll("E$", EQUALS).replace("-x", "$x");
        String constructor = switch (kind) {
            case "partly" -> "Value(int x) { a = x; }";
            case "differ" -> "Value(int x, long y) { a = x; b = y; }";
            default -> "Value(int x, int y) { a = x; b = y; }";
        };
        Class<?> type = compiled("{ " + fields + constructor + " }");

        assertThat(ValueClass.of(type)).isNotNull();
        assertThat(ValueClass.isProduct(type)).isEqualTo(!kind.equals("differ"));
    }

    @Test
    void caseClassOfScalaIsCarried() throws Exception {
        Class<?> type = compiled(
                "implements scala.Product { final int a, b; " + EQUALS + "Value(int x, int y) { a = x; b = y; } }");

        assertThat(ValueClass.isProduct(type)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        two of a type, in whatever order | final int a, b; E Value(int x, int y) { a = y; b = x; }
        known by its identity | final int a; final long b; Value(int x, long y) { a = x; b = y; }
        a field that no constructor takes | final int a, b; E Value(int x) { a = x; b = 2 * x; }
        computed in a data class | final int a, b; E int component1() { return a; } Value(int x) { a = b = x; }
        a transient field | final int a; final transient long b; E Value(int x, long y) { a = x; b = y; }
        a component of another type | final int a, b; E long component1() { return a; } PAIR
        a constructor of another type | final int a; E Value(long x) { a = (int) x; }
        """)
    void classesThatMayArriveIncompleteAreRefused(String why, String members) throws Exception {
        assertThat(ValueClass.of(compiled("{ " + members.replace("E ", EQUALS).replace("PAIR", PAIR) + " }")))
                .as(why)
                .isNull();
    }
}
