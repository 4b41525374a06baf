package dev.trestle.processpool.values;

import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonToken;
import tools.jackson.core.type.WritableTypeId;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.jsontype.TypeSerializer;
import tools.jackson.databind.ser.std.StdSerializer;

/** A serializer of ours: writes one value of whatever shape, with the class around it where it is asked for. */
abstract class WireSerializer extends StdSerializer<Object> {

    WireSerializer() {
        super(Object.class);
    }

    @Override
    public final void serializeWithType(
            Object value, JsonGenerator to, SerializationContext context, TypeSerializer typeSerializer) {
        WritableTypeId id = typeSerializer.typeId(value, JsonToken.VALUE_EMBEDDED_OBJECT);
        typeSerializer.writeTypePrefix(to, context, id);
        serialize(value, to, context);
        typeSerializer.writeTypeSuffix(to, context, id);
    }
}
