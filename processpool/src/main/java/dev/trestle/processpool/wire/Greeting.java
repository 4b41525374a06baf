package dev.trestle.processpool.wire;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The proof that both ends of a connection over a port know the secret of a worker, which neither of them sends. Any
 * user of the machine can connect to a port, or listen on one that has become free. Immutable, thread-safe.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc2104">RFC 2104, HMAC</a>
 */
public final class Greeting {

    /*
     * worker -> pool: role, nonce of the worker, proof OPENS   (role, nonce of the worker)
     * pool -> worker: nonce of the pool,         proof ANSWERS (role, both nonces)
     * worker -> pool:                            proof CLOSES  (role, both nonces)
     *
     * A proof is an HMAC-SHA256 with the secret over a label, the address that was dialled, and what is in the
     * brackets. The labels differ, so no proof can be sent back to its author. The nonces are new for each connection,
     * so none is of use a second time. The address keeps a process that listens on another port from passing all this
     * on to the pool. The proof in the opening lets the pool tell a worker from a stranger before it has answered
     * anything.
     */

    /** The bytes of a nonce, and of a proof. */
    private static final int BYTES = 32;

    /** The length of the first message of a worker. */
    public static final int OPENING_BYTES = 1 + BYTES + BYTES;

    /** The length of the answer of a pool. */
    public static final int ANSWER_BYTES = BYTES + BYTES;

    /** The length of the last message of a worker. */
    public static final int CLOSING_BYTES = BYTES;

    private static final String ALGORITHM = "HmacSHA256";

    private enum Label {
        OPENS,
        ANSWERS,
        CLOSES
    }

    private final byte[] secret;
    private final String address;

    /**
     * Creates the greeting of the connections at an address.
     *
     * @param secret the secret of the worker, which is not sent
     * @param address the address, as the worker dials it
     */
    public Greeting(byte[] secret, String address) {
        this.secret = secret.clone();
        this.address = address;
    }

    /**
     * Returns the first message of a worker, another one each time.
     *
     * @param role the role of the connection, an ASCII character
     * @param random makes the nonce
     * @return the message
     */
    public byte[] opening(char role, SecureRandom random) {
        byte[] nonce = new byte[BYTES];
        random.nextBytes(nonce);
        return joined(new byte[] {(byte) role}, nonce, proof(Label.OPENS, (byte) role, nonce, new byte[0]));
    }

    /**
     * Answers the first message of a worker.
     *
     * @param opening the message, of {@link #OPENING_BYTES}
     * @param random makes the nonce
     * @return the answer; null if the author of the message does not know the secret
     */
    public byte @Nullable [] answer(byte[] opening, SecureRandom random) {
        byte[] nonce = nonceOf(opening);
        byte[] shown = Arrays.copyOfRange(opening, 1 + BYTES, OPENING_BYTES);
        if (!MessageDigest.isEqual(shown, proof(Label.OPENS, opening[0], nonce, new byte[0]))) {
            return null;
        }
        byte[] mine = new byte[BYTES];
        random.nextBytes(mine);
        return joined(mine, proof(Label.ANSWERS, opening[0], nonce, mine));
    }

    /**
     * Returns the last message of a worker.
     *
     * @param opening the message that the worker sent
     * @param answer the answer that has come, of {@link #ANSWER_BYTES}
     * @return the message; null if the author of the answer does not know the secret
     */
    public byte @Nullable [] closing(byte[] opening, byte[] answer) {
        byte[] nonce = nonceOf(opening);
        byte[] theirs = Arrays.copyOf(answer, BYTES);
        byte[] shown = Arrays.copyOfRange(answer, BYTES, ANSWER_BYTES);
        return MessageDigest.isEqual(shown, proof(Label.ANSWERS, opening[0], nonce, theirs))
                ? proof(Label.CLOSES, opening[0], nonce, theirs)
                : null;
    }

    /**
     * Returns whether the last message of a worker proves that it knows the secret.
     *
     * @param opening the first message of the worker
     * @param answer the answer of the pool
     * @param closing the last message of the worker
     * @return whether it does
     */
    public boolean isProven(byte[] opening, byte[] answer, byte[] closing) {
        return MessageDigest.isEqual(
                closing, proof(Label.CLOSES, opening[0], nonceOf(opening), Arrays.copyOf(answer, BYTES)));
    }

    private static byte[] nonceOf(byte[] opening) {
        return Arrays.copyOfRange(opening, 1, 1 + BYTES);
    }

    private byte[] proof(Label label, byte role, byte[] ofWorker, byte[] ofPool) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(secret, ALGORITHM));
            mac.update((label + "\0" + address + "\0").getBytes(StandardCharsets.US_ASCII));
            mac.update(role);
            mac.update(ofWorker);
            return mac.doFinal(ofPool);
        } catch (GeneralSecurityException e) {
            throw new AssertionError("Every JDK has " + ALGORITHM, e);
        }
    }

    private static byte[] joined(byte[]... parts) {
        int length = 0;
        for (byte[] each : parts) {
            length += each.length;
        }
        ByteBuffer all = ByteBuffer.allocate(length);
        for (byte[] each : parts) {
            all.put(each);
        }
        return all.array();
    }

    @Override
    public String toString() {
        return "Greeting[" + address + "]";
    }
}
