package dev.trestle.processpool.values;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** The look-ups of hosts that this JVM makes, in all of its code; found by the JDK in {@code META-INF/services}. */
public final class LookUps extends InetAddressResolverProvider {

    /** Names that end so are not asked for in the network. */
    static final String SUFFIX = ".look-up.invalid";

    private static final List<String> asked = new CopyOnWriteArrayList<>();

    /** Returns the names with our suffix that were asked for. */
    static List<String> asked() {
        return List.copyOf(asked);
    }

    /** Returns them, and forgets them. */
    static List<String> takeAsked() {
        List<String> taken = asked();
        asked.clear();
        return taken;
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver builtIn = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) throws UnknownHostException {
                if (!host.endsWith(SUFFIX)) {
                    return builtIn.lookupByName(host, policy);
                }
                asked.add(host);
                throw new UnknownHostException(host);
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return builtIn.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "look-ups of tests";
    }
}
