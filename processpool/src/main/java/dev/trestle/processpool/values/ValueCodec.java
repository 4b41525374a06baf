package dev.trestle.processpool.values;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.trestle.processpool.wire.BodyReader;
import dev.trestle.processpool.wire.BodyWriter;
import dev.trestle.processpool.wire.Failure;
import dev.trestle.processpool.wire.ProtocolException;
import dev.trestle.processpool.wire.Setup;
import dev.trestle.processpool.wire.SharedArrays;
import dev.trestle.processpool.wire.WireOptions;
import java.lang.invoke.SerializedLambda;
import java.net.URL;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamWriteConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.dataformat.smile.SmileFactory;
import tools.jackson.dataformat.smile.SmileMapper;
import tools.jackson.dataformat.smile.SmileWriteFeature;

/**
 * Values as bytes and back: Jackson, set up so that what arrives is what was sent. One per class loader; thread-safe.
 */
final class ValueCodec {

    /** The longest name of a field that a class file has room for. */
    private static final int LONGEST_NAME = 65_535;

    /** More than any primitive number has; large ones are binary data, see {@link Scalar}. */
    private static final int LONGEST_NUMBER = 100;

    private final WireOptions options;
    private final TypeNames names;
    private final TypePolicy trusting;
    private final Throwables throwables;
    private final ClassVersions versions = new ClassVersions();

    /** Made when it is first needed, or by {@link #prepare}. */
    private volatile @Nullable Jackson jackson;

    private final Setup setup;
    private final SharedArrays shared;

    /** True after the first value was written: then the classes with which Jackson writes are loaded. */
    private volatile boolean hasWritten;

    private final Map<Class<?>, LambdaShape> shapesByClass = new ConcurrentHashMap<>();
    private final Map<SiteKey, LambdaShape> shapesByBytes = new ConcurrentHashMap<>();

    /** The lambda of another JVM that was asked for last, which is often the next one too; null at first. */
    private volatile @Nullable LambdaShape last;

    private final Set<SiteKey> checkedObjects = ConcurrentHashMap.newKeySet();
    private final Map<Class<?>, Slot> slots = new ConcurrentHashMap<>();

    /**
     * Creates a codec.
     *
     * @param options the options of the connection
     * @param loader the class loader
     * @param unknown makes an exception that stands for one that cannot be made again
     * @param setup hears when something is set up for a value that is written
     * @param shared the arrays that values may name
     */
    ValueCodec(
            WireOptions options,
            ClassLoader loader,
            BiFunction<Failure, String, Throwable> unknown,
            Setup setup,
            SharedArrays shared) {
        this.shared = shared;
        this.setup = setup;
        this.options = options;
        this.names = new TypeNames(loader);
        this.trusting = TypePolicy.trusting(names, options);
        this.throwables = new Throwables(this, unknown);
    }

    /** Jackson, set up: half of a worker's start, if it had to wait for it. */
    private record Jackson(ObjectMapper mapper, ObjectWriter writer, ObjectReader reader) {}

    /** Sets Jackson up, which {@link PlainValues} do without. */
    void prepare() {
        var _ = jackson();
    }

    private Jackson jackson() {
        Jackson known = jackson;
        if (known == null) {
            synchronized (this) {
                known = jackson;
                if (known == null) {
                    known = newJackson();
                    jackson = known;
                }
            }
        }
        return known;
    }

    private Jackson newJackson() {
        try {
            ObjectMapper mapper = mapper();
            return new Jackson(mapper, mapper.writerFor(Values.class), mapper.readerFor(Values.class));
        } catch (LinkageError e) {
            throw JacksonVersions.mismatch(e);
        }
    }

    private ObjectMapper mapper() {
        int longest = Math.toIntExact(options.maxPayloadBytes());
        SmileFactory format = SmileFactory.builder()
                .disable(SmileWriteFeature.ENCODE_BINARY_AS_7BIT)
                .enable(SmileWriteFeature.CHECK_SHARED_STRING_VALUES)
                // A name is decoded once for each document. Jackson would remember it for longer.
                .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(WireOptions.MAX_DEPTH)
                        .maxStringLength(longest)
                        .maxNameLength(LONGEST_NAME)
                        .maxNumberLength(LONGEST_NUMBER)
                        .build())
                .streamWriteConstraints(StreamWriteConstraints.builder()
                        .maxNestingDepth(WireOptions.MAX_DEPTH)
                        .build())
                .build();
        return SmileMapper.builder(format)
                .addModule(new WireModule(this))
                .annotationIntrospector(new WireAnnotations())
                .setDefaultTyping(new WireTyping())
                .polymorphicTypeValidator(new WireTyping.DenyAll())
                .changeDefaultVisibility(each -> each.with(Visibility.NONE)
                        .withFieldVisibility(Visibility.ANY)
                        .withCreatorVisibility(Visibility.PUBLIC_ONLY))
                .changeDefaultPropertyInclusion(
                        each -> JsonInclude.Value.construct(JsonInclude.Include.ALWAYS, JsonInclude.Include.ALWAYS))
                .enable(MapperFeature.PROPAGATE_TRANSIENT_MARKER)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS, MapperFeature.INFER_PROPERTY_MUTATORS)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS, SerializationFeature.FAIL_ON_SELF_REFERENCES)
                .enable(
                        DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                        DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(EnumFeature.READ_ENUMS_USING_TO_STRING, EnumFeature.WRITE_ENUMS_USING_TO_STRING)
                .enable(EnumFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
                .build();
    }

    WireOptions options() {
        return options;
    }

    /** Returns the listener for what is set up when a value is written. */
    Setup setup() {
        return setup;
    }

    /** Returns the arrays that values may name. */
    SharedArrays shared() {
        return shared;
    }

    ClassLoader loader() {
        return names.loader();
    }

    TypeNames names() {
        return names;
    }

    /** Returns the policy under which everything may be named. */
    TypePolicy trusting() {
        return trusting;
    }

    ClassVersions versions() {
        return versions;
    }

    Throwables throwables() {
        return throwables;
    }

    /** Returns a deserialization context, to ask whether and how a class can be made. */
    DeserializationContext asking() {
        return jackson().mapper()._deserializationContext();
    }

    Slot slot(Class<?> declared) {
        Slot known = slots.get(declared); // which takes no lock
        if (known != null) {
            return known;
        }
        boolean isConstantWithBody = Enum.class.isAssignableFrom(declared) && declared.isAnonymousClass();
        return slots.computeIfAbsent(isConstantWithBody ? declared.getSuperclass() : declared, Slot::new);
    }

    /** Returns the place of a result: open, so that it may be a stream, unless the declared type says all. */
    Slot resultSlot(Class<?> declared) {
        return slot(TypeNames.isNeededFor(declared) ? Object.class : declared);
    }

    /** Writes values, each into its place. */
    void encode(Encoding to, Slot[] places, @Nullable Object[] values) {
        if (!PlainValues.write(values, to)) {
            if (!hasWritten && setup != Setup.IGNORED) {
                writeFirst();
            }
            write(to, new Values(to, places, values));
        }
    }

    private void write(Encoding to, Values values) {
        try {
            jackson().writer().writeValue(to, values);
        } catch (LinkageError e) {
            throw JacksonVersions.mismatch(e);
        }
    }

    /** Writes a value that is not read, since the first time takes long. */
    private void writeFirst() {
        setup.begins();
        try {
            Encoding nowhere = Encoding.ofState(null, setup);
            Object[] values = {List.of("something")};
            write(nowhere, new Values(nowhere, new Slot[] {slot(Object.class)}, values));
            hasWritten = true;
        } finally {
            setup.ends();
        }
    }

    /** Reads as many values as there are places. */
    @Nullable
    Object[] decode(ByteBuffer from, Decoding decoding) {
        decoding.begin(from.remaining());
        if (PlainValues.isPlain(from)) {
            return PlainValues.read(from, decoding.slots());
        }
        try {
            Values read = jackson()
                    .reader()
                    .withAttribute(Decoding.class, decoding)
                    .readValue(from.array(), from.arrayOffset() + from.position(), from.remaining());
            return read.values;
        } catch (LinkageError e) {
            throw JacksonVersions.mismatch(e);
        }
    }

    // Lambdas

    /** Returns the shape of a lambda of this JVM. */
    LambdaShape shapeOf(Object lambda, SerializedLambda parts) {
        LambdaShape shape = shapesByClass.get(lambda.getClass());
        if (shape == null) {
            LambdaSite site = LambdaSite.of(parts);
            var writer = new BodyWriter();
            site.write(writer);
            writer.longNumbers(versions.ofProgram(code(site)));
            shape = new LambdaShape(site, writer.toArray(), this);
            shapesByClass.put(lambda.getClass(), shape);
        }
        return shape;
    }

    /** Returns the shape of a lambda of another JVM. */
    LambdaShape shapeOf(ByteBuffer bytes) throws ProtocolException {
        LambdaShape shape = last;
        if (shape != null && shape.isNamed(bytes)) {
            return shape;
        }
        shape = shapesByBytes.get(SiteKey.of(bytes));
        if (shape == null) {
            byte[] copy = copyOf(bytes);
            var from = new BodyReader(ByteBuffer.wrap(copy));
            LambdaSite site = LambdaSite.read(from);
            long[] expected = from.longNumbers();
            from.end();
            shape = new LambdaShape(site, copy, this);
            ClassVersions.check(expected, code(site));
            shapesByBytes.put(SiteKey.of(ByteBuffer.wrap(copy)), shape);
        }
        last = shape;
        return shape;
    }

    /** Checks that the class of an object that is a call is that of the program. */
    void checkObject(ByteBuffer bytes) throws ProtocolException, ClassNotFoundException {
        if (!checkedObjects.contains(SiteKey.of(bytes))) {
            byte[] copy = copyOf(bytes);
            var from = new BodyReader(ByteBuffer.wrap(copy));
            Class<?> type = Class.forName(from.string(), false, loader());
            ClassVersions.check(from.longNumbers(), type);
            from.end();
            checkedObjects.add(SiteKey.of(ByteBuffer.wrap(copy)));
        }
    }

    private static byte[] copyOf(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(bytes.position(), copy);
        return copy;
    }

    private Class<?>[] code(LambdaSite site) {
        try {
            return site.code(loader());
        } catch (ClassNotFoundException e) {
            throw RefusedException.notFound(String.valueOf(e.getMessage()));
        }
    }

    /** Values and their places; the root of every document. */
    @SuppressWarnings("ArrayRecordComponent") // no code compares them
    private record Values(
            @Nullable Encoding encoding,
            Slot[] places,
            @Nullable Object[] values) {}

    /** Returns whether values in a place of an exception's state are compared by their own methods; URLs are not. */
    private static boolean isCompared(boolean isState, Slot place) {
        return isState && place.declared() != URL.class;
    }

    static final class ValuesWriter extends WireSerializer {

        static boolean handles(Class<?> type) {
            return type == Values.class;
        }

        @Override
        public void serialize(Object root, JsonGenerator to, SerializationContext context) {
            var values = (Values) root;
            context.setAttribute(Encoding.class, values.encoding);
            to.writeStartArray();
            for (int i = 0; i < values.places.length; i++) {
                try {
                    Slot place = values.places[i];
                    if (isCompared(Encoding.of(context).isState(), place)) {
                        Writers.writeHashed(place, values.values[i], to, context);
                    } else {
                        place.write(values.values[i], to, context);
                    }
                } catch (RuntimeException e) {
                    wrapAndThrow(context, e, values.values, i);
                }
            }
            to.writeEndArray();
        }
    }

    static final class ValuesReader extends ValueDeserializer<Object> {
        @Override
        public Object deserialize(JsonParser from, DeserializationContext context) {
            Decoding decoding = Decoding.of(context);
            Readers.start(from, context, Values.class);
            var values = new @Nullable Object[decoding.slots().length];
            for (int i = 0; i < values.length; i++) {
                Readers.next(from, context, Values.class);
                Slot slot = decoding.slots()[i];
                values[i] = isCompared(decoding.isState(), slot)
                        ? Readers.readHashed(slot, from, context, decoding)
                        : slot.read(from, context);
            }
            Readers.end(from, context, Values.class);
            return new Values(null, decoding.slots(), values);
        }
    }
}
