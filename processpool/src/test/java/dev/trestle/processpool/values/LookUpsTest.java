package dev.trestle.processpool.values;

import static dev.trestle.processpool.values.Documents.array;
import static dev.trestle.processpool.values.Documents.typed;
import static dev.trestle.processpool.values.Documents.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.trestle.api.Call;
import dev.trestle.processpool.wire.Payload;
import java.net.InetAddress;
import java.net.URI;
import java.net.URL;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonGenerator;

/**
 * To read what a worker sends makes no look-up in the network. A {@link URL} asks for its host's address whenever its
 * hash code is needed, or it is compared.
 */
@Timeout(60)
class LookUpsTest {

    private static final String TEXT = "http://host" + LookUps.SUFFIX + "/";

    private final Journey journey = Journey.allowingTests();

    record Page(URL url) {}

    /** A set of the user's. */
    static final class Urls extends HashSet<Object> {
        private static final long serialVersionUID = 1;
    }

    static final class OfUrl extends Exception {
        private static final long serialVersionUID = 1;

        final URL url;

        OfUrl(String message, URL url) {
            super(message);
            this.url = url;
        }
    }

    /** Its constructor makes other URLs, which are compared with those that were sent. */
    static final class OfUrls extends Exception {
        private static final long serialVersionUID = 1;

        final transient List<URL> urls;
        final List<URL> copies;

        OfUrls(List<URL> urls) throws Exception {
            super("message");
            this.urls = urls;
            List<URL> made = new ArrayList<>();
            for (URL each : urls) {
                made.add(url(each.toString()));
            }
            this.copies = made;
        }
    }

    static URL url(String text) throws Exception {
        return URI.create(text).toURL();
    }

    private static Object objectCall() {
        return (Call<Object>) () -> "expected";
    }

    private static void url(JsonGenerator to) {
        value(to, "URL", each -> each.writeString(TEXT));
    }

    private static void page(JsonGenerator to) {
        value(to, Page.class.getName(), page -> {
            page.writeStartObject();
            page.writeStringProperty("url", TEXT);
            page.writeEndObject();
        });
    }

    private static void integer(JsonGenerator to) {
        value(to, "Integer", each -> each.writeNumber(1));
    }

    private void refuses(Payload result) throws Exception {
        var encoded = journey.encode(objectCall());

        assertThatThrownBy(() -> encoded.decodeResult(result))
                .isInstanceOf(NotDecodableException.class)
                .hasMessageContaining("java.net.URL")
                .hasMessageContaining("its hashCode and equals look up the host's address in the network")
                .hasMessageContaining("Use java.net.URI there");
        assertThat(LookUps.asked()).isEmpty();
    }

    @Test
    void aLookUpWouldBeSeen() throws Exception {
        String host = "seen-in-a-list-of-its-own" + LookUps.SUFFIX;

        assertThatThrownBy(() -> InetAddress.getByName(host)).hasMessageContaining(host);
        assertThat(LookUps.takeAsked()).containsExactly(host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HashSet",
                "LinkedHashSet",
                "CopyOnWriteArraySet",
                "Set.of",
                "emptySet",
                "singleton",
                "HashMap.keySet",
                "LinkedHashMap.keySet",
                "dev.trestle.processpool.values.LookUpsTest$Urls"
            })
    void aUrlInASetIsRefused(String set) throws Exception {
        boolean isOwn = set.contains("$");
        for (Consumer<JsonGenerator> element : List.<Consumer<JsonGenerator>>of(
                LookUpsTest::url,
                LookUpsTest::page,
                to -> value(to, "ArrayList", list -> array(list, LookUpsTest::url)),
                to -> value(to, "Optional", list -> array(list, LookUpsTest::url)),
                to -> value(
                        to,
                        "Map.entry",
                        entry -> array(entry, parts -> {
                            integer(parts);
                            url(parts);
                        })),
                to -> value(
                        to,
                        "TreeMap",
                        map -> array(map, parts -> {
                            parts.writeNull();
                            integer(parts);
                            url(parts);
                        })))) {
            refuses(typed(
                    set,
                    to -> array(to, elements -> {
                        if (isOwn) {
                            array(elements, _ -> {}); // its fields
                        }
                        element.accept(elements);
                        integer(elements);
                    })));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HashMap",
                "LinkedHashMap",
                "ConcurrentHashMap",
                "Hashtable",
                "Properties",
                "Map.of",
                "singletonMap"
            })
    void aUrlInAKeyIsRefused(String map) throws Exception {
        boolean hasHead = map.equals("LinkedHashMap") || map.equals("Properties");
        for (Consumer<JsonGenerator> key : List.<Consumer<JsonGenerator>>of(LookUpsTest::url, LookUpsTest::page)) {
            refuses(typed(
                    map,
                    to -> array(to, entries -> {
                        if (hasHead) {
                            entries.writeNull();
                        }
                        key.accept(entries);
                        integer(entries);
                    })));
        }
    }

    @Test
    void aUrlBehindAWrapperOfASetIsRefused() throws Exception {
        for (String wrapper : List.of("unmodifiableSet", "synchronizedSet", "unmodifiableCollection", "anonymous")) {
            refuses(typed(
                    wrapper,
                    to -> array(to, wrapped -> value(wrapped, "HashSet", set -> array(set, LookUpsTest::url)))));
        }
        refuses(typed(
                "newSetFromMap",
                to -> array(
                        to,
                        wrapped -> value(
                                wrapped,
                                "HashMap",
                                map -> array(map, parts -> {
                                    url(parts);
                                    value(parts, "Boolean", each -> each.writeBoolean(true));
                                })))));
        refuses(typed(
                "HashMap.entrySet",
                to -> array(
                        to,
                        entries -> value(
                                entries,
                                "Map.entry",
                                entry -> array(entry, parts -> {
                                    url(parts);
                                    integer(parts);
                                })))));
    }

    @Test
    void aSenderRefusesWhatTheReceiverWould() throws Exception {
        URL url = url(TEXT.replace("host", "127.0.0.1").replace(LookUps.SUFFIX, ""));
        for (Object each : List.of(
                Set.of(url),
                Map.of(url, 1),
                Set.of(new Page(url)),
                Set.of(List.of(url)),
                Map.of(Optional.of(url), 1))) {
            assertThatThrownBy(() -> journey.send(each))
                    .isInstanceOf(NotEncodableException.class)
                    .hasMessageContaining("java.net.URL, which is in a set, in the key of a map")
                    .hasMessageContaining("Use java.net.URI there, or the text of the URL.");
        }
    }

    @Test
    void aUrlElsewhereTravelsWithoutLookUps() throws Throwable {
        URL url = url(TEXT);
        for (Object each : List.of(
                List.of(url, url),
                new ArrayList<>(List.of(url)),
                new Page(url),
                new HashMap<>(Map.of("key", url)),
                new ConcurrentHashMap<>(Map.of("key", new Page(url))),
                Optional.of(url),
                new URL[] {url})) {
            assertThat(journey.send(each)).hasSameClassAs(each);
        }
        assertThat(journey.send(url)).hasToString(TEXT);
        assertThat(LookUps.asked()).isEmpty();
    }

    @Test
    void aUrlInAnExceptionIsComparedAsAText() throws Throwable {
        URL url = url(TEXT);

        assertThat(journey.failureOf(() -> {
                    throw new OfUrl("message", url(url.toString()));
                }))
                .isInstanceOf(OfUrl.class)
                .extracting(each -> String.valueOf(((OfUrl) each).url))
                .isEqualTo(TEXT);
        assertThat(journey.failureOf(() -> {
                    throw new OfUrls(List.of(url(url.toString())));
                }))
                .isInstanceOf(Journey.StandIn.class);
        assertThat(LookUps.asked()).isEmpty();
    }

    @Test
    void aProtocolOfWhichTheJdkHasNoHandlerIsNotLookedFor() throws Exception {
        var encoded = journey.encode(objectCall());
        for (String text :
                List.of("evil:x", "jar:evil:x!/", "jar:jar:file:x!/!/", " http://x/", "url:evil:x", "HTTP://x/", "")) {
            assertThatThrownBy(() -> encoded.decodeResult(typed("URL", to -> to.writeString(text))))
                    .as(text)
                    .isInstanceOf(NotDecodableException.class)
                    .hasMessageContaining("Pass java.net.URI or a text.");
        }
        for (String text : List.of(
                "http://x/",
                "https://x:1/y?z#a",
                "file:/a",
                "jar:file:/a.jar!/b",
                "mailto:a@b",
                "jrt:/java.base",
                "ftp://x/")) {
            @Nullable Object arrived = encoded.decodeResult(typed("URL", to -> to.writeString(text)));
            assertThat(arrived).hasToString(text);
        }
    }

    @Test
    void anAddressIsMadeWithoutAskingForItsName() throws Throwable {
        InetAddress address = InetAddress.getByAddress("named" + LookUps.SUFFIX, new byte[] {127, 0, 0, 9});

        assertThat(journey.send(Set.of(address))).isEqualTo(Set.of(address));
        assertThat(LookUps.asked()).isEmpty();
    }
}
