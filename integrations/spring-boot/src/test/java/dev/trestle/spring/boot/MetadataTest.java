package dev.trestle.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trestle.processpool.ProcessPool;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The metadata by which editors complete each property, with a description. */
@Timeout(30)
class MetadataTest {

    @Test
    void eachPropertyHasADescription() throws IOException {
        Map<String, String> described = new HashMap<>();
        try (var file = getClass().getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            for (JsonNode property : new ObjectMapper().readTree(file).get("properties")) {
                described.put(
                        property.get("name").asString(),
                        property.path("description").asString(""));
            }
        }

        assertThat(described.keySet())
                .containsAll(names("trestle.process-pool.", ProcessPoolProperties.class))
                .containsAll(names("trestle.thread-pool.", ThreadPoolProperties.class));
        assertThat(described.values()).allMatch(text -> text.endsWith("."));
    }

    /** Options that are code, or that Trestle's starter decides, or that would be of no use in a service. */
    private static final Set<String> WITHOUT_PROPERTY = Set.of(
            "allow", "classPath", "daemon", "debug", "initializer", "modulePath", "withoutShutdownHook", "build");

    /** Properties with another name than their option, which a program calls once for each element. */
    private static final Map<String, String> ELEMENTS =
            Map.of("allowPackage", "allowedPackages", "systemProperty", "systemProperties");

    @Test
    void eachOptionOfAPoolIsAProperty() {
        List<String> properties = Stream.of(ProcessPoolProperties.class.getRecordComponents())
                .map(RecordComponent::getName)
                .toList();

        assertThat(Stream.of(ProcessPool.Builder.class.getMethods())
                        .filter(method -> method.getDeclaringClass() == ProcessPool.Builder.class)
                        .map(Method::getName)
                        .filter(name -> !WITHOUT_PROPERTY.contains(name))
                        .map(name -> ELEMENTS.getOrDefault(name, name)))
                .isSubsetOf(properties);
    }

    private static Iterable<String> names(String prefix, Class<?> properties) {
        return Stream.of(properties.getRecordComponents())
                .map(RecordComponent::getName)
                .map(name -> prefix + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT))
                .toList();
    }
}
