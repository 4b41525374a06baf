package dev.trestle.processpool.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.processpool.wire.WorkerJournal.Exit;
import dev.trestle.processpool.wire.WorkerJournal.LastWords;
import dev.trestle.processpool.wire.WorkerJournal.Progress;
import dev.trestle.processpool.wire.WorkerJournal.Step;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class WorkerJournalTest {

    @TempDir
    Path folder = Path.of("");

    @Test
    void theLastStepIsReadBack() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            assertThat(reader.lastWords()).isEqualTo(new LastWords(0, Step.NOTHING, Exit.NONE));

            var record = WorkerJournal.open(file, 1);
            record.place(0).note(1, Step.DECODING);
            record.place(0).note(1L << 40, Step.ENCODING);
            assertThat(reader.lastWords()).isEqualTo(new LastWords(1L << 40, Step.ENCODING, Exit.NONE));

            record.noteExit(false);
            assertThat(reader.lastWords()).isEqualTo(new LastWords(1L << 40, Step.ENCODING, Exit.CALLED));
        }
    }

    @Test
    void aLivingWorkerTellsWhenTheOwnCodeOfACallBegan() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            var record = WorkerJournal.open(file, 1);
            record.noteHello();
            record.place(0).note(2, Step.DECODING);
            assertThat(reader.progress()).isEqualTo(new Progress(2, Step.DECODING, 0));
            assertThat(reader.progress().hasBegun(1)).isTrue();
            assertThat(reader.progress().hasBegun(2)).isFalse();

            record.place(0).noteBegun(2);
            long begun = reader.progress().begunNanos();
            assertThat(begun).isPositive();
            assertThat(reader.progress()).isEqualTo(new Progress(2, Step.RUNNING, begun));
            assertThat(reader.progress().hasBegun(2)).isTrue();
            assertThat(reader.progress().isPast(2)).isFalse();
            assertThat(reader.progress().isPast(1)).isTrue();
        }
    }

    @Test
    void setupTimeShiftsTheBeginningOfACall() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            var record = WorkerJournal.open(file, 1);
            record.noteHello();
            record.place(0).noteBegun(2);
            long begun = reader.progress().begunNanos();
            record.begins();
            record.begins();
            record.ends();
            assertThat(reader.progress()).isEqualTo(new Progress(2, Step.SETTING_UP, begun));
            assertThat(reader.progress().isSettingUp(2)).isTrue();
            assertThat(reader.progress().isSettingUp(1)).isFalse();
            assertThat(reader.progress().hasBegun(2)).isTrue();

            record.ends();
            assertThat(reader.progress().step()).isEqualTo(Step.RUNNING);
            assertThat(reader.progress().begunNanos()).isGreaterThan(begun);
        }
    }

    @Test
    void aCallHasBegunWhenItIsDecodedAndNotWhileItIsReceived() {
        assertThat(new LastWords(7, Step.RECEIVING, Exit.NONE).hadBegun(6)).isTrue();
        assertThat(new LastWords(7, Step.RECEIVING, Exit.NONE).hadBegun(7)).isFalse();
        assertThat(new LastWords(7, Step.DECODING, Exit.NONE).hadBegun(7)).isTrue();
        assertThat(new LastWords(7, Step.ENCODING, Exit.NONE).hadBegun(8)).isFalse();
        assertThat(new LastWords(0, Step.NOTHING, Exit.NONE).hadBegun(1)).isFalse();
    }

    @Test
    void framesThatWereAppendedAndNotSentAreInTheFile() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            var sent = new FrameChannelTest.Bytes(); // what went out
            var channel = FrameChannel.ofWorker(sent, 1000, WorkerJournal.open(file, 1));
            channel.append(new Frame.Cancelled(1));
            channel.append(new Frame.Cancelled(2));

            assertThat(sent.all()).isEmpty();
            assertThat(held(reader))
                    .containsExactly(new Frame.Cancelled(1), new Frame.Cancelled(2))
                    .allMatch(Frame::isAnswer, "they say what has become of calls");

            channel.flush();
            channel.append(new Frame.Cancelled(3));
            assertThat(FrameChannel.framesIn(ByteBuffer.wrap(sent.all()), 1000))
                    .containsExactly(new Frame.Cancelled(1), new Frame.Cancelled(2));
            assertThat(held(reader)).containsExactly(new Frame.Cancelled(3));

            channel.write(new Frame.Cancelled(4));
            assertThat(held(reader)).isEmpty();
        }
    }

    /** The frames have all sizes: some are almost too large for the buffer, and some are larger. */
    @Test
    void heldBytesBeginWithAWholeFrame() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            var channel = FrameChannel.ofWorker(new FrameChannelTest.Bytes(), 1 << 20, WorkerJournal.open(file, 1));
            var sizes = new SplittableRandom(20261121);
            for (int i = 0; i < 300; i++) {
                var payload = new Payload(
                        List.of(ByteBuffer.allocate(sizes.nextInt(3000))),
                        i % 10 == 0 ? List.of(new long[sizes.nextInt(20_000)]) : List.of());
                channel.append(new Frame.Item(1, i, payload));

                List<Frame> held = FrameChannel.framesIn(reader.held(), 1 << 20);
                assertThat(held).allSatisfy(frame -> assertThat(frame).isInstanceOf(Frame.Item.class));
            }
        }
    }

    private static List<Frame> held(WorkerJournal.Reader reader) throws IOException {
        return FrameChannel.framesIn(reader.held(), 1000);
    }

    @Test
    void aTruncatedFileIsAnError() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            Files.write(file, new byte[5]);

            assertThatThrownBy(reader::lastWords)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("ends after 5 bytes");
            assertThatThrownBy(reader::held).isInstanceOf(IOException.class).hasMessageContaining("is damaged");
        }
    }

    @Test
    void aFileThatIsMuchTooLargeIsReadLikeAnyOther() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            WorkerJournal.open(file, 1).place(0).note(3, Step.RUNNING);
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(1), 1L << 40); // a hole of a terabyte
            }

            assertThat(reader.lastWords()).isEqualTo(new LastWords(3, Step.RUNNING, Exit.NONE));
            assertThat(held(reader)).isEmpty();
        }
    }

    @Test
    void anotherFileInTheSamePlaceIsNotRead() throws Exception {
        Path file = folder.resolve("record");
        try (var reader = WorkerJournal.create(file, 1)) {
            WorkerJournal.open(file, 1).place(0).note(3, Step.RUNNING);
            Files.delete(file);
            Files.createSymbolicLink(file, folder.resolve("other"));
            WorkerJournal.create(folder.resolve("other"), 1).close();

            assertThat(reader.lastWords()).isEqualTo(new LastWords(3, Step.RUNNING, Exit.NONE));
        }
    }

    @Test
    void aFileInPlaceOfANewJournalIsAnError() throws Exception {
        Path file = folder.resolve("record");
        Files.createSymbolicLink(file, folder.resolve("elsewhere"));

        assertThatThrownBy(() -> WorkerJournal.create(file, 1)).isInstanceOf(FileAlreadyExistsException.class);
        assertThat(folder.resolve("elsewhere")).doesNotExist();
    }
}
