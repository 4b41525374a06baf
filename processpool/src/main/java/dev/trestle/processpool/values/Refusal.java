package dev.trestle.processpool.values;

import dev.trestle.processpool.wire.WireOptions;
import java.io.Closeable;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.Writer;
import java.lang.ref.Reference;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.nio.Buffer;
import java.nio.channels.Channel;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;

/**
 * A reason why values of a class cannot travel, with what to do about it.
 *
 * @param reason the rest of a sentence that begins with the class
 * @param remedy sentences
 */
record Refusal(String reason, String remedy) {

    private static final String HERE_ONLY = "exists only in this process";
    private static final String FILE_OR_BYTES = "Pass the bytes, or the name of a file that the worker opens.";
    private static final String DATA = "Pass data: records, collections, arrays, enums, or classes with a constructor"
            + " without arguments and no final fields.";

    private static final String KOTLIN_DATA = "Make it a data class whose properties are all in its constructor, or"
            + " those outside of it variables (var) without by; or pass collections, arrays or enums.";

    private static final String IDENTITY_ENTRY = "java.util.IdentityHashMap$EntryIterator$Entry";
    private static final String REVERSED_ENTRY = "java.util.ReverseOrderSortedMapView$ViewEntry";
    private static final String CHECKED = "java.util.Collections$Checked";

    static final String PASS_A_COPY =
            "Pass a copy, such as new ArrayList<>(...), new TreeSet<>(...) or new LinkedHashMap<>(...).";

    private static final Map<Class<?>, Refusal> byType = new LinkedHashMap<>();

    static {
        refuse(HERE_ONLY, "Create it in the worker.", Thread.class, ThreadGroup.class, ThreadLocal.class);
        refuse(HERE_ONLY, "Create it in the worker, or keep what needs it here.", Executor.class, Process.class);
        refuse(
                "guards memory that two processes do not share",
                "Leave it here: a call has its own copy of everything.",
                Lock.class,
                ReadWriteLock.class,
                StampedLock.class,
                Condition.class,
                Semaphore.class,
                CountDownLatch.class,
                CyclicBarrier.class,
                Phaser.class);
        refuse(HERE_ONLY, "Pass its result.", Future.class);
        refuse("can be read once, and only here", "Pass a list: stream.toList().", BaseStream.class);
        refuse(
                "can be read once, and only here",
                "Pass the collection; many results, one after the other, are for ProcessPool.stream.",
                Iterator.class);
        refuse(
                "is open in this process only",
                FILE_OR_BYTES,
                InputStream.class,
                OutputStream.class,
                Reader.class,
                Writer.class,
                Channel.class);
        refuse("is a buffer, whose position only its owner knows", "Pass the array.", Buffer.class);
        refuse(HERE_ONLY, "Name the class instead.", ClassLoader.class, Module.class, AnnotatedElement.class);
        refuse(HERE_ONLY, "Pass what it refers to.", Reference.class);
        refuse("is text in the making", "Pass its toString().", StringBuilder.class, StringBuffer.class);
        refuse("is not data", "Pass a record.", Object.class);
    }

    private static void refuse(String reason, String remedy, Class<?>... types) {
        for (Class<?> each : types) {
            byType.put(each, new Refusal(reason, remedy));
        }
    }

    /**
     * Returns why values of a class cannot travel, or null if nothing speaks against it at first sight: a class of the
     * user's may still turn out not to be data when its properties are looked at.
     */
    static @Nullable Refusal of(Class<?> type, WireOptions options) {
        if (type.isArray() || type.isEnum() || type.isPrimitive()) {
            return null;
        }
        if (isWithinAnother(type)) {
            return notData(
                    type.isLocalClass()
                            ? "it is a local class and belongs to the method around it"
                            : "it is an inner class and refers to the object around it");
        }
        if (options.allows(type)) {
            return ofModule(type);
        }
        if (type.getPackageName().equals("java.util.concurrent.atomic")) {
            return new Refusal(
                    "is a counter that two processes do not share: the worker would change a copy",
                    "Pass the value, and return what the call makes of it.");
        }
        if (isSharedVariable(type.getName())) {
            return new Refusal(
                    "is a variable that a lambda shares with the code around it: the worker would change a copy",
                    "Copy it into a constant (val), and return what the call makes of it.");
        }
        for (Map.Entry<Class<?>, Refusal> each : byType.entrySet()) {
            Class<?> refused = each.getKey();
            if (refused == Object.class ? type == Object.class : refused.isAssignableFrom(type)) {
                return each.getValue();
            }
        }
        if (type.isInterface() || Modifier.isAbstract(type.getModifiers()) || JavaClasses.isLambda(type)) {
            return null;
        }
        if (type.isAnonymousClass()) {
            return new Refusal(
                    "is an anonymous class and refers to what is around it", "Make it a record, or a lambda.");
        }
        if (Proxy.isProxyClass(type)) {
            return new Refusal(
                    "is a proxy and refers to a handler in this process",
                    "Write a lambda in Java, or a record that implements " + interfaceOf(type) + ".");
        }
        if (JavaClasses.isOfJdk(type) && !isNative(type)) {
            boolean resource = Closeable.class.isAssignableFrom(type) || AutoCloseable.class.isAssignableFrom(type);
            return resource
                    ? new Refusal("is open in this process only", FILE_OR_BYTES)
                    : new Refusal("is a class of the JDK that is not data", DATA);
        }
        if (type.isHidden()) {
            return new Refusal("is a hidden class, which no other process can find", DATA);
        }
        return ofModule(type);
    }

    /** Returns whether a class holds a variable that a lambda of Kotlin or Scala shares with the code around it. */
    private static boolean isSharedVariable(String className) {
        return className.startsWith("kotlin.jvm.internal.Ref$")
                || (className.startsWith("scala.runtime.") && className.endsWith("Ref"));
    }

    private static boolean isWithinAnother(Class<?> type) {
        return (type.isLocalClass() || type.isMemberClass())
                && !Modifier.isStatic(type.getModifiers())
                && !Modifier.isAbstract(type.getModifiers())
                && !JavaClasses.isOfJdk(type);
    }

    /** Returns the refusal of a class whose module does not let its state be read. */
    static @Nullable Refusal ofModule(Class<?> type) {
        Module module = type.getModule();
        String inPackage = type.getPackageName();
        if (JavaClasses.isOfJdk(type) || module.isOpen(inPackage, ObjectMapper.class.getModule())) {
            return null;
        }
        return new Refusal(
                "is in a package that its module, " + module.getName() + ", keeps closed",
                "Open it in the module-info of " + module.getName() + ": opens " + inPackage
                        + " to dev.trestle.processpool, tools.jackson.databind;");
    }

    private static String interfaceOf(Class<?> proxy) {
        Class<?>[] interfaces = proxy.getInterfaces();
        return interfaces.length == 0 ? "its interface" : interfaces[0].getSimpleName();
    }

    private static boolean isNative(Class<?> type) {
        return type == String.class
                || type == Boolean.class
                || (Number.class.isAssignableFrom(type) && type.getPackageName().equals("java.lang"));
    }

    /** Returns the refusal of a class of the user's whose state could not be restored. */
    static Refusal notData(String why) {
        return new Refusal("is not data: " + why, DATA);
    }

    /** Returns the refusal of a class whose transient fields only its own methods of Java serialization can carry. */
    static Refusal serializesItself(Class<?> type) {
        return notData("the transient fields of " + type.getName()
                + " are carried by its methods of Java serialization, which no call uses");
    }

    /** Returns a refusal that says what to do in the language in which the class is written. */
    static Refusal notData(Class<?> type, String why) {
        return ValueClass.isOfKotlin(type) ? new Refusal("is not data: " + why, KOTLIN_DATA) : notData(why);
    }

    /**
     * Returns the refusal of a collection or map of the JDK that is more than its elements, and cannot be made again.
     */
    static Refusal container(Class<?> type) {
        String name = type.getName();
        String reason = switch (name) {
            case "java.util.IdentityHashMap", "java.util.WeakHashMap", IDENTITY_ENTRY ->
                "knows its keys by their identity, which a copy does not have";
            case "java.util.concurrent.ArrayBlockingQueue" -> "does not say whether it is fair";
            default ->
                name.startsWith(CHECKED)
                        ? "does not say which class it checks for"
                        : "is a view or has a behaviour of its own, and only the JDK can make it";
        };
        return new Refusal(reason, PASS_A_COPY);
    }

    /** Returns the refusal of an entry of a JDK map that is more than its key and its value; null if it is none. */
    static @Nullable Refusal entry(Class<?> type) {
        String name = type.getName();
        boolean isMore = name.equals(IDENTITY_ENTRY) || name.equals(REVERSED_ENTRY) || name.startsWith(CHECKED);
        return isMore ? new Refusal(container(type).reason(), "Pass a copy: Map.entry(key, value).") : null;
    }

    /** Returns the refusal of a URL that would be asked for its hash code, or be compared. */
    static RefusedException hashedUrl() {
        return new RefusedException(
                URL.class.getName(),
                "is in a set, in the key of a map, or in a collection that is a field of an exception, where it would"
                        + " be compared: its hashCode and equals look up the host's address in the network",
                "Use java.net.URI there, or the text of the URL.");
    }

    /** Returns the refusal of a lambda that cannot be taken apart. */
    static Refusal lambda() {
        return new Refusal(
                "is a lambda that is not serializable",
                "Declare its type as a serializable one, such as CallFunction, or cast it: (Comparator<T> &"
                        + " Serializable).");
    }
}
