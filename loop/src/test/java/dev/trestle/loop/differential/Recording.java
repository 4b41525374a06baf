package dev.trestle.loop.differential;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A program, and the trace that asyncio left. The recordings are a compressed text: a program and its trace per line.
 *
 * @param program the program
 * @param trace the trace
 */
record Recording(List<Statement> program, List<String> trace) {

    static final String FILE = "recorded.txt.gz";

    static List<Recording> all() {
        try (var reader = new BufferedReader(new InputStreamReader(new GZIPInputStream(Resource.open(FILE)), UTF_8))) {
            return reader.lines().map(Recording::read).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(FILE + " cannot be read", e);
        }
    }

    private static Recording read(String line) {
        List<Object> both = Json.read(line);
        return new Recording(
                Statement.block((List<?>) both.get(0)),
                ((List<?>) both.get(1)).stream().map(String.class::cast).toList());
    }

    /** Returns the programs that once showed a difference. */
    static List<List<Statement>> corners() {
        try (var reader = new BufferedReader(new InputStreamReader(Resource.open("corners.txt"), UTF_8))) {
            return reader.lines().map(line -> Statement.block(Json.read(line))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("corners.txt cannot be read", e);
        }
    }

    static void write(List<Recording> recordings, Path file) {
        try (Writer writer = new OutputStreamWriter(new GZIPOutputStream(Files.newOutputStream(file)), UTF_8)) {
            for (Recording recording : recordings) {
                writer.write(Json.write(List.of(recording.program(), recording.trace())) + "\n");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written", e);
        }
    }
}
