package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.JsonCreator;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.Version;
import tools.jackson.databind.AnnotationIntrospector;
import tools.jackson.databind.PropertyName;
import tools.jackson.databind.cfg.MapperConfig;
import tools.jackson.databind.introspect.Annotated;
import tools.jackson.databind.introspect.AnnotatedConstructor;
import tools.jackson.databind.introspect.AnnotatedField;
import tools.jackson.databind.introspect.AnnotatedMember;
import tools.jackson.databind.introspect.AnnotatedMethod;
import tools.jackson.databind.introspect.AnnotatedParameter;
import tools.jackson.databind.introspect.JacksonAnnotationIntrospector;

/**
 * The few of Jackson's annotations that a call may heed: those that say which constructor takes which field. For a
 * {@link ValueClass} that is known without them. All others are as if they were not there. A class annotated for a web
 * API leaves out, shortens or renames there what it must not show, but a call needs all of an object.
 */
final class WireAnnotations extends AnnotationIntrospector {

    private static final long serialVersionUID = 1;

    private static final JacksonAnnotationIntrospector jackson = new JacksonAnnotationIntrospector();

    @Override
    public Version version() {
        return Version.unknownVersion();
    }

    /** Finds the annotation of constructors and factory methods that take fields by name, and of no others. */
    @Override
    public JsonCreator.@Nullable Mode findCreatorAnnotation(MapperConfig<?> config, Annotated annotated) {
        JsonCreator.Mode mode = jackson.findCreatorAnnotation(config, annotated);
        if (mode == null && annotated instanceof AnnotatedConstructor constructor) {
            ValueClass values = ValueClass.of(constructor.getDeclaringClass());
            return values != null && values.isMadeBy(constructor.getAnnotated()) ? JsonCreator.Mode.PROPERTIES : null;
        }
        return mode == null || mode == JsonCreator.Mode.DELEGATING || mode == JsonCreator.Mode.DISABLED
                ? null
                : JsonCreator.Mode.PROPERTIES;
    }

    @Override
    public @Nullable PropertyName findNameForDeserialization(MapperConfig<?> config, Annotated annotated) {
        return isState(annotated) ? jackson.findNameForDeserialization(config, annotated) : null;
    }

    @Override
    public @Nullable PropertyName findNameForSerialization(MapperConfig<?> config, Annotated annotated) {
        return annotated instanceof AnnotatedField ? jackson.findNameForSerialization(config, annotated) : null;
    }

    @Override
    public @Nullable String findImplicitPropertyName(MapperConfig<?> config, AnnotatedMember member) {
        if (member instanceof AnnotatedParameter parameter) {
            ValueClass values = ValueClass.of(parameter.getDeclaringClass());
            if (values != null && values.isMadeBy(parameter.getOwner().getMember())) {
                return values.nameOf(parameter.getIndex());
            }
        }
        return member instanceof AnnotatedMethod ? null : jackson.findImplicitPropertyName(config, member);
    }

    /** Returns whether annotations count here: not at methods, which may return something else than state. */
    private static boolean isState(Annotated annotated) {
        return annotated instanceof AnnotatedField || annotated instanceof AnnotatedParameter;
    }
}
