package dev.trestle.processpool.values;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.Month;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Each value class of the JDK that may travel arrives with all that it tells, or is refused in words; also its odd
 * values.
 */
@Timeout(60)
class JdkValuesTest {

    private static final int MOST_PER_MAKER = 100;

    private static final List<Object> samples = List.of(
            0,
            1,
            -1,
            12,
            29,
            2026,
            Integer.MIN_VALUE,
            Integer.MAX_VALUE,
            0L,
            -1L,
            1_700_000_000_123L,
            Long.MIN_VALUE,
            Long.MAX_VALUE,
            'c',
            '\ud800',
            0.0,
            -0.0,
            Double.NaN,
            Double.MIN_VALUE,
            1e300,
            1.5f,
            true,
            false,
            (byte) -1,
            (short) 7,
            "",
            "a",
            "a b",
            "A//b/../c/",
            "/",
            "en",
            "EUR",
            "UTF-8",
            "UTC",
            "Europe/Berlin",
            "+01:00:01",
            "http://u@h:1/p?q#f",
            "file:/a%20b",
            "mailto:x",
            "10",
            "-1.50E+7",
            "[a-z]+",
            "2026-02-28",
            "2026-02-28T01:02:03.000000004",
            "--02-29",
            "P1Y2M3D",
            "PT1.000000001S",
            "äöü \ud83d\ude00",
            new byte[0],
            new byte[] {1, 0, -1},
            new long[] {5, -1, 0},
            new char[] {'1', '2'},
            BigInteger.ONE.shiftLeft(200),
            new BigDecimal("0.00"),
            Instant.MAX,
            LocalDate.MIN,
            LocalTime.MIDNIGHT,
            LocalDateTime.MAX,
            Month.FEBRUARY,
            DayOfWeek.SUNDAY,
            ZoneOffset.ofTotalSeconds(-1),
            ZoneId.of("UTC+1"),
            ZoneId.of("America/New_York"));

    private final Journey journey = Journey.allowingNothing();

    private static Set<Class<?>> types() {
        var types = new LinkedHashSet<Class<?>>(List.of(
                String.class,
                Boolean.class,
                Byte.class,
                Short.class,
                Integer.class,
                Long.class,
                Float.class,
                Double.class));
        for (Scalar each : Scalar.values()) {
            if (!each.type().isPrimitive()) {
                types.add(each.type());
            }
        }
        return types;
    }

    /**
     * Returns what a constructor or a factory method makes of all combinations of the samples, or of the first of them.
     */
    private static List<Object> made(Executable maker) {
        Class<?>[] parameters = maker.getParameterTypes();
        var choices = new ArrayList<List<Object>>();
        for (Class<?> each : parameters) {
            Class<?> boxed = MethodType.methodType(each).wrap().returnType();
            choices.add(samples.stream().filter(boxed::isInstance).toList());
        }
        var made = new ArrayList<Object>();
        int combinations = 1;
        for (List<Object> each : choices) {
            combinations = (int) Math.min(1_000_000L, (long) combinations * each.size());
        }
        int step = Math.max(1, combinations / MOST_PER_MAKER);
        for (int i = 0; i < combinations; i += step) {
            var arguments = new Object[parameters.length];
            int rest = i;
            for (int k = 0; k < arguments.length; k++) {
                arguments[k] = choices.get(k).get(rest % choices.get(k).size());
                rest /= choices.get(k).size();
            }
            Object value = made(maker, arguments);
            if (value != null) {
                made.add(value);
            }
        }
        return made;
    }

    private static @Nullable Object made(Executable maker, Object[] arguments) {
        try {
            return maker instanceof Constructor<?> constructor
                    ? constructor.newInstance(arguments)
                    : ((Method) maker).invoke(null, arguments);
        } catch (InvocationTargetException e) {
            return null; // it does not take these
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(maker.toString(), e);
        }
    }

    private static List<Object> values(Class<?> type) {
        var values = new ArrayList<Object>();
        if (!Modifier.isAbstract(type.getModifiers())) {
            for (Constructor<?> each : type.getConstructors()) {
                values.addAll(made(each));
            }
        }
        for (Method each : type.getMethods()) {
            if (Modifier.isStatic(each.getModifiers())
                    && type.isAssignableFrom(each.getReturnType())
                    && !Set.of(
                                    "now",
                                    "randomUUID",
                                    "getSystemResource",
                                    "getLocalHost",
                                    "getByName",
                                    "forName",
                                    "createTempFile")
                            .contains(each.getName())) {
                values.addAll(made(each));
            }
        }
        for (Object each : samples) {
            if (type.isInstance(each)) {
                values.add(each);
            }
        }
        return values;
    }

    @Test
    void eachArrivesWithAllThatItTellsOrIsRefused() {
        Map<String, Integer> arrived = new TreeMap<>();
        Map<String, String> refused = new TreeMap<>();
        var wrong = new ArrayList<String>();
        for (Class<?> type : types()) {
            for (Object each : values(type)) {
                Object received;
                try {
                    received = journey.send(each);
                } catch (NotEncodableException e) {
                    refused.merge(type.getSimpleName() + ": " + each, String.valueOf(e.getMessage()), (a, _) -> a);
                    continue;
                } catch (Throwable e) {
                    wrong.add(each.getClass() + " " + each + ": " + e);
                    continue;
                }
                arrived.merge(type.getSimpleName(), 1, Integer::sum);
                String expected = told(each);
                String actual = received == null ? "null" : told(received);
                if (!actual.equals(expected)) {
                    wrong.add(expected + "\n  became " + actual);
                }
            }
        }
        System.out.println("values of the JDK's classes: " + arrived + ", refused: " + refused.keySet());
        assertThat(wrong).as(String.join("\n", wrong)).isEmpty();
        assertThat(refused.values())
                .allSatisfy(each -> assertThat(each).matches("(?s).* cannot travel: captured value #0.*\\."));
        assertThat(arrived.keySet()).hasSizeGreaterThan(30);
    }

    /** Returns what a value says of itself: its class, its text, and its public methods without parameters. */
    private static String told(Object value) {
        var told = new StringBuilder(value.getClass().getName() + " " + value);
        if (!(value instanceof Pattern)) { // which is known by its identity
            told.append(' ').append(value.hashCode());
        }
        Method[] methods = value.getClass().getMethods();
        Arrays.sort(methods, Comparator.comparing(Method::toString));
        for (Method each : methods) {
            boolean isGetter = each.getName().startsWith("get")
                    || each.getName().startsWith("is")
                    || each.getName().startsWith("to")
                    || each.getName().endsWith("Value");
            if (isGetter
                    && each.getParameterCount() == 0
                    && !Modifier.isStatic(each.getModifiers())
                    && Modifier.isPublic(each.getDeclaringClass().getModifiers())
                    && each.getDeclaringClass()
                            .getModule()
                            .isExported(each.getDeclaringClass().getPackageName())
                    && !value.getClass().getPackageName().equals("java.lang.reflect")
                    && !Set.of(
                                    "getClass",
                                    "getContent",
                                    "getHostName",
                                    "getCanonicalHostName",
                                    "getFreeSpace",
                                    "getUsableSpace")
                            .contains(each.getName())) {
                try {
                    Object answer = each.invoke(value);
                    if (answer instanceof String || answer instanceof Number || answer instanceof Boolean) {
                        told.append(' ').append(each.getName()).append('=').append(answer);
                    }
                } catch (InvocationTargetException e) {
                    told.append(' ').append(each.getName()).append(" threw ").append(e.getCause());
                } catch (IllegalAccessException e) {
                    throw new LinkageError(each.toString(), e);
                }
            }
        }
        return told.toString();
    }
}
