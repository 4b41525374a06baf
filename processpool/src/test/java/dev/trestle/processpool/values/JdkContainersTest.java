package dev.trestle.processpool.values;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.values.Containers.Example;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each collection and map that the JDK can make arrives with its state and behaviour, or is refused in words. */
@Timeout(120)
class JdkContainersTest {

    private static final List<Example> examples = examples();

    private final Journey journey = Journey.allowingNothing();

    /**
     * Returns the containers that constructors and factories make, their views and wrappers, and in turn the views and
     * wrappers of these.
     */
    private static List<Example> examples() {
        Map<String, Example> all = new LinkedHashMap<>();
        for (Example each : Containers.plain()) {
            all.putIfAbsent(each.name(), each);
            for (Example view : Containers.derived(each)) {
                all.putIfAbsent(view.name(), view);
            }
        }
        Map<Class<?>, Example> byClass = new LinkedHashMap<>();
        all.values().forEach(each -> byClass.putIfAbsent(each.make().getClass(), each));
        for (Example each : byClass.values()) {
            for (Example view : Containers.derived(each)) {
                all.putIfAbsent(view.name(), view);
            }
        }
        return List.copyOf(all.values());
    }

    @Test
    void eachArrivesWithItsBehaviourOrIsRefused() {
        var arrived = new AtomicInteger();
        var refused = new TreeSet<String>();
        var wrong = new ArrayList<String>();
        for (Example each : examples) {
            Object sent = each.make();
            Object received;
            try {
                received = requireNonNull(journey.send(sent));
            } catch (NotEncodableException e) {
                refused.add(sent.getClass().getName());
                if (!requireNonNull(e.getMessage())
                        .matches("(?s).* cannot travel: captured value #0.*, which .*\\. .+")) {
                    wrong.add(each + " of " + sent.getClass() + ": " + e.getMessage());
                }
                continue;
            } catch (Throwable e) {
                wrong.add(each + " of " + sent.getClass() + ": " + e);
                continue;
            }
            arrived.incrementAndGet();
            List<String> expected = Behaviour.of(sent);
            List<String> actual = Behaviour.of(received);
            if (!actual.equals(expected)) {
                var lost = new ArrayList<>(expected);
                lost.removeAll(actual);
                actual.removeAll(expected);
                wrong.add(each + " of " + sent.getClass() + ": " + lost + ", not " + actual);
            }
        }
        System.out.println(examples.size() + " containers: " + arrived + " arrived, of " + refused.size()
                + " classes some were refused, " + wrong.size() + " are wrong");
        System.out.println("refused: " + refused);
        assertThat(wrong).as(String.join("\n", wrong)).isEmpty();
    }

    /** Returns what an entry shows, and what can be done to it when its map has stayed behind. */
    private static String told(Map.Entry<?, Object> entry) {
        String text = entry + " " + entry.equals(new AbstractMap.SimpleEntry<>(entry));
        try {
            return text + " " + entry.setValue("other") + " became " + entry.getValue();
        } catch (UnsupportedOperationException e) {
            return text + " cannot be set";
        }
    }

    private static List<Object> entries(Map<?, ?> map) {
        var entries = new ArrayList<Object>(List.of(map.entrySet().iterator().next()));
        if (map instanceof SequencedMap<?, ?> sequenced) {
            entries.add(requireNonNull(sequenced.firstEntry()));
            entries.add(sequenced.reversed().sequencedEntrySet().getFirst());
        }
        return entries;
    }

    @Test
    @SuppressWarnings("unchecked") // its entries
    void eachEntryOfAMapArrivesWithItsBehaviourOrIsRefused() throws Throwable {
        var arrived = new TreeSet<String>();
        var refused = new TreeSet<String>();
        var wrong = new TreeSet<String>();
        for (Example example : examples) {
            if (!(example.make() instanceof Map<?, ?> map) || map.isEmpty()) {
                continue;
            }
            for (Object sent : entries(map)) {
                Object received;
                try {
                    received = requireNonNull(journey.send(sent));
                } catch (NotEncodableException e) {
                    refused.add(sent.getClass().getName());
                    continue;
                }
                arrived.add(sent.getClass().getName());
                String expected = told((Map.Entry<?, Object>) sent);
                String actual = told((Map.Entry<?, Object>) received);
                if (!actual.equals(expected)) {
                    wrong.add(sent.getClass() + " of " + example + ": " + expected + " arrived as " + actual);
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(arrived).hasSizeGreaterThan(10);
        assertThat(refused).hasSize(3);
    }

    @Test
    void eachKindOfTheTableIsAmongTheExamples() {
        Set<String> made =
                examples.stream().map(each -> each.make().getClass().getName()).collect(Collectors.toSet());
        List<Class<?>> sendable = Containers.classes().stream()
                .filter(each -> Collection.class.isAssignableFrom(each)
                        ? CollectionKind.index.of(each) != null
                        : MapKind.index.of(each) != null)
                .toList();

        System.out.println(Containers.classes().size() + " classes of the JDK are collections or maps, "
                + sendable.size() + " can be sent, " + made.size() + " were made");
        assertThat(sendable)
                .hasSizeGreaterThan(60)
                .allSatisfy(each -> assertThat(made).contains(each.getName()));
    }
}
