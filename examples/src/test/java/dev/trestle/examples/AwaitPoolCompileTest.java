package dev.trestle.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Python's classic mistake, awaiting a pool's future as if it were the loop's, is an error of the compiler here. */
@Timeout(30)
class AwaitPoolCompileTest {

    @TempDir
    private Path classes;

    @Test
    void awaitingAPoolsFutureDoesNotCompile() {
        assertThat(errors("await(pool.submit(() -> 1))"))
                .singleElement()
                .asString()
                .contains(
                        "required: dev.trestle.loop.LoopFuture<T>",
                        "found:    dev.trestle.api.ConcurrentFuture<java.lang.Integer>");
    }

    @Test
    void awaitingAFutureOfTheJdkDoesNotCompile() {
        assertThat(errors("await(java.util.concurrent.CompletableFuture.supplyAsync(() -> 1))"))
                .singleElement()
                .asString()
                .contains(
                        "required: dev.trestle.loop.LoopFuture<T>",
                        "found:    java.util.concurrent.CompletableFuture<java.lang.Integer>");
    }

    @Test
    void awaitingItThroughTheBridgeDoes() {
        assertThat(errors("await(Bridge.wrapFuture(pool.submit(() -> 1)))")).isEmpty();
        assertThat(errors("await(Bridge.runInExecutor(pool, () -> 1))")).isEmpty();
    }

    private List<String> errors(String expression) {
        String source = """
            import static dev.trestle.loop.Async.await;
            import dev.trestle.bridge.Bridge;
            import dev.trestle.processpool.ProcessPool;

            class Program {
                static int main(ProcessPool pool) {
                    return %s;
                }
            }
            """.formatted(expression);
        var program = new SimpleJavaFileObject(URI.create("string:///Program.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
        var diagnostics = new DiagnosticCollector<JavaFileObject>();
        List<String> options =
                List.of("-proc:none", "-d", classes.toString(), "--class-path", System.getProperty("java.class.path"));
        ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, diagnostics, options, null, List.of(program))
                .call();
        return diagnostics.getDiagnostics().stream()
                .filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
                .map(each -> each.getMessage(Locale.ENGLISH))
                .toList();
    }
}
