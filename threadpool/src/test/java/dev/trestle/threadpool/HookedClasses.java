package dev.trestle.threadpool;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The classes of a program once more, some of which call {@link Hook#at} before each site where an error may be
 * thrown: where memory is allocated, and where code of the JDK or the user is called, which may allocate.
 *
 * <p>Calls between our own classes are no sites, since they throw nothing but what is thrown at their sites: a stack
 * that ends there is what {@code StackEndTest} and {@link ProgramInTroubleTest} try. Neither are methods of the JDK
 * that only read and write fields, or wake a thread.
 */
final class HookedClasses extends ClassLoader {

    private static final ClassDesc HOOK = ClassDesc.of(Hook.class.getName());

    /** Initializers run once, and what they fail to do is not done again: the JVM says so. */
    private static final Set<String> SPARED_METHODS = Set.of("<clinit>");

    /** The classes that prepare what the others need, before any of these begins. */
    private static final Set<String> SPARED_CLASSES =
            Set.of("dev.trestle.api.Groundwork", "dev.trestle.api.StackRoom", "dev.trestle.api.LargeFrames");

    /** Calls of the user's code whose outcome is what this code throws, as with any failure of it. */
    private static final Set<String> USERS_OWN = Set.of(
            "dev.trestle.api.Promise.runCallback java/util/function/Consumer.accept",
            "dev.trestle.threadpool.ThreadPool.prepare java/lang/Runnable.run");

    private static final Set<String> SAFE_OWNERS = Set.of(
            "java/lang/invoke/VarHandle",
            "java/util/concurrent/atomic/AtomicInteger",
            "java/util/concurrent/atomic/AtomicLong",
            "java/util/concurrent/atomic/AtomicReference");

    private static final Set<String> SAFE_METHODS = Set.of(
            "java/lang/Object.getClass",
            "java/lang/Object.hashCode",
            "java/lang/System.identityHashCode",
            "java/lang/System.nanoTime",
            "java/lang/ref/WeakReference.get",
            "java/lang/ref/WeakReference.refersTo",
            "java/lang/Thread.currentThread",
            "java/lang/Thread.interrupt",
            "java/lang/Thread.interrupted",
            "java/lang/Thread.onSpinWait",
            "java/util/Objects.requireNonNull",
            "java/util/concurrent/CountDownLatch.countDown",
            "java/util/concurrent/CountDownLatch.getCount",
            "java/util/concurrent/Semaphore.release",
            "java/util/concurrent/locks/Condition.signalAll",
            "java/util/concurrent/locks/LockSupport.unpark",
            "java/util/concurrent/locks/ReentrantLock.unlock");

    private final Map<String, byte[]> hooked;
    private final Map<String, byte[]> plain;
    private final List<String> sites = new ArrayList<>();

    /**
     * Creates a loader.
     *
     * @param hooked the classes that get hooks
     * @param plain classes that use these, and get none
     */
    HookedClasses(Map<String, byte[]> hooked, Map<String, byte[]> plain) {
        super(HookedClasses.class.getClassLoader());
        this.hooked = hooked;
        this.plain = plain;
    }

    /** Returns where the sites are that have been loaded; a site is known by its index. */
    List<String> sites() {
        synchronized (sites) {
            return List.copyOf(sites);
        }
    }

    /** Finds no services: those of the class path are of the parent's types. */
    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        return name.startsWith("META-INF/services/") ? Collections.emptyEnumeration() : super.getResources(name);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        byte[] bytes = hooked.getOrDefault(name, plain.get(name));
        if (bytes == null || name.equals(Hook.class.getName())) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded == null) {
                byte[] defined = isHooked(name) ? hook(name, bytes) : bytes;
                loaded = defineClass(name, defined, 0, defined.length);
            }
            return loaded;
        }
    }

    private boolean isHooked(String name) {
        return hooked.containsKey(name) && !SPARED_CLASSES.contains(name);
    }

    private byte[] hook(String name, byte[] bytes) {
        ClassFile files = ClassFile.of();
        ClassModel model = files.parse(bytes);
        return files.transformClass(model, (builder, element) -> {
            if (element instanceof MethodModel method
                    && !SPARED_METHODS.contains(method.methodName().stringValue())) {
                String where = name + "." + method.methodName().stringValue();
                builder.transformMethod(method, (methodBuilder, part) -> {
                    if (part instanceof CodeModel code) {
                        methodBuilder.transformCode(code, hooks(where));
                    } else {
                        methodBuilder.with(part);
                    }
                });
            } else {
                builder.with(element);
            }
        });
    }

    private CodeTransform hooks(String where) {
        return new CodeTransform() {
            private int line;

            @Override
            public void accept(CodeBuilder code, CodeElement element) {
                if (element instanceof LineNumber number) {
                    line = number.line();
                }
                String what = errorAt(where, element);
                if (what != null) {
                    code.loadConstant(addSite(where + ":" + line + ", " + what));
                    code.invokestatic(HOOK, "at", MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int));
                }
                code.with(element);
            }
        };
    }

    private int addSite(String site) {
        synchronized (sites) {
            sites.add(site);
            return sites.size() - 1;
        }
    }

    /** Returns what may throw an error at an instruction; null if nothing. */
    private @Nullable String errorAt(String where, CodeElement element) {
        return switch (element) {
            case NewObjectInstruction made -> "new " + made.className().asInternalName();
            case NewReferenceArrayInstruction _, NewPrimitiveArrayInstruction _, NewMultiArrayInstruction _ ->
                "new array";
            case InvokeDynamicInstruction _ -> "lambda";
            case InvokeInstruction call -> {
                String owner = call.owner().asInternalName();
                String method = owner + "." + call.name().stringValue();
                boolean safe = call.name().stringValue().equals("<init>") // after "new"
                        || owner.startsWith("dev/trestle/")
                        || USERS_OWN.contains(where + " " + method)
                        || SAFE_OWNERS.contains(owner)
                        || SAFE_METHODS.contains(method);
                yield safe ? null : "call of " + method;
            }
            default -> null;
        };
    }
}
