package dev.trestle.benchmarks;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Bytes there and back over a bare TLS socket to another JVM: what a cluster cannot beat. */
final class TlsEcho {

    private TlsEcho() {}

    /**
     * Answers one connection.
     *
     * @param arguments the keystore, its password, and the port
     */
    public static void main(String[] arguments) throws Exception {
        var factory = context(Path.of(arguments[0]), arguments[1]).getServerSocketFactory();
        try (var server = (SSLServerSocket)
                factory.createServerSocket(Integer.parseInt(arguments[2]), 1, InetAddress.getLoopbackAddress())) {
            server.setNeedClientAuth(true);
            try (var socket = (SSLSocket) server.accept()) {
                var in = new DataInputStream(socket.getInputStream());
                var out = new DataOutputStream(socket.getOutputStream());
                while (true) {
                    byte[] bytes = new byte[in.readInt()];
                    in.readFully(bytes);
                    out.writeInt(bytes.length);
                    out.write(bytes);
                    out.flush();
                }
            }
        }
    }

    private static SSLContext context(Path keystore, String password) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(keystore.toFile(), password.toCharArray());
        var keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, password.toCharArray());
        var trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(store);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    /** The other end. */
    static final class Client implements AutoCloseable {

        private final SSLSocket socket;
        private final DataInputStream in;
        private final DataOutputStream out;

        Client(Path keystore, String password, int port) throws Exception {
            socket = (SSLSocket)
                    context(keystore, password).getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
            in = new DataInputStream(socket.getInputStream());
            out = new DataOutputStream(socket.getOutputStream());
        }

        void echo(byte[] bytes) throws IOException {
            out.writeInt(bytes.length);
            out.write(bytes);
            out.flush();
            in.readFully(new byte[in.readInt()]);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
