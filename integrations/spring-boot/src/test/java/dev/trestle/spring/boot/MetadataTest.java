package dev.trestle.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
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

    private static Iterable<String> names(String prefix, Class<?> properties) {
        return Stream.of(properties.getRecordComponents())
                .map(RecordComponent::getName)
                .map(name -> prefix + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT))
                .toList();
    }
}
