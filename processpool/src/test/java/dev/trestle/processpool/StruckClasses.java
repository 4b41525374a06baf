package dev.trestle.processpool;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Copies of the classes of this module that call {@link Strike} before each instruction that allocates memory, itself
 * or by calling the JDK or a library, and before each call of a method of Trestle.
 */
final class StruckClasses {

    private static final ClassDesc STRIKE = ClassDesc.of(Strike.class.getName());
    /** Classes whose methods allocate nothing, or work without an allocation that fails. */
    private static final Set<String> FRUGAL = Set.of(
            "java/lang/Object",
            "java/lang/Math",
            "java/lang/Thread",
            "java/lang/Enum",
            "java/lang/Throwable",
            "java/lang/Boolean",
            "java/lang/invoke/VarHandle",
            "java/util/Objects",
            "java/util/OptionalInt",
            "java/util/concurrent/CountDownLatch",
            "java/nio/ByteBuffer",
            "com/google/errorprone");

    private static final Set<String> FRUGAL_METHODS = Set.of(
            "nanoTime",
            "get",
            "getFirst",
            "getLast",
            "isEmpty",
            "isPresent",
            "isPositive",
            "size",
            "length",
            "hasNext",
            "next",
            "remove",
            "removeFirst",
            "poll",
            "pollFirst",
            "pollLast",
            "peek",
            "clear",
            "contains",
            "equals",
            "hashCode",
            "ordinal",
            "isDone",
            "isCancelled",
            "isAlive",
            "isOpen",
            "exitValue",
            "pid",
            "arraycopy",
            "apply",
            "accept",
            "run",
            "getAsLong",
            "getAsBoolean",
            "test",
            "convert",
            "toNanos",
            "cancel",
            "isInstance",
            "getAndSet");

    /** The places of calls of our own methods have this in their names. */
    static final String CALL = "call of ";

    private static final MethodTypeDesc PASS = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);

    private final List<String> places = new ArrayList<>();
    private String at = "";

    private StruckClasses() {}

    /**
     * Writes the copies to a directory, in which the class path of a program may begin; returns the places in the order
     * of their numbers.
     */
    static List<String> write(Path classes, Path target) throws IOException {
        var struck = new StruckClasses();
        List<Path> files;
        try (Stream<Path> all = Files.walk(classes)) {
            files = all.filter(StruckClasses::isStruck).sorted().toList();
        }
        for (Path each : files) {
            Path copy = target.resolve(classes.relativize(each).toString());
            Files.createDirectories(copy.getParent());
            Files.write(copy, struck.strike(Files.readAllBytes(each)));
        }
        return List.copyOf(struck.places);
    }

    /** The pool's own, and those that carry frames. */
    private static boolean isStruck(Path file) {
        String name = file.toString().replace('\\', '/');
        return name.contains("/dev/trestle/processpool/")
                && name.endsWith(".class")
                && !name.endsWith("-info.class")
                && !name.contains("/child/");
    }

    private byte[] strike(byte[] original) {
        var file = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(StruckClasses.class.getClassLoader())
                        .orElse(ClassHierarchyResolver.defaultResolver())));
        var model = file.parse(original);
        String type = model.thisClass().asInternalName().replace('/', '.');
        return file.transformClass(model, (builder, element) -> {
            if (element instanceof MethodModel method) {
                at = type + "." + method.methodName().stringValue();
                builder.transformMethod(method, (methodBuilder, part) -> {
                    if (part instanceof java.lang.classfile.CodeModel code) {
                        methodBuilder.transformCode(code, this::strike);
                    } else {
                        methodBuilder.with(part);
                    }
                });
            } else {
                builder.with(element);
            }
        });
    }

    private int line;

    private void strike(CodeBuilder code, CodeElement element) {
        switch (element) {
            case LineNumber number -> line = number.line();
            case NewObjectInstruction made ->
                pass(code, "new " + made.className().asInternalName());
            case NewPrimitiveArrayInstruction _, NewReferenceArrayInstruction _, NewMultiArrayInstruction _ ->
                pass(code, "new array");
            case InvokeDynamicInstruction lambda ->
                pass(code, "new " + lambda.name().stringValue());
            case InvokeInstruction call -> {
                String owner = call.owner().asInternalName();
                String name = call.name().stringValue();
                if (owner.startsWith("dev/trestle/")) {
                    if (!name.equals("<init>")) {
                        pass(code, CALL + name + "()");
                    }
                } else if (!isFrugal(owner, name)) {
                    pass(code, name + "()");
                }
            }
            default -> {}
        }
        code.with(element);
    }

    private static boolean isFrugal(String owner, String name) {
        return FRUGAL.contains(owner)
                || owner.startsWith("java/util/concurrent/locks/")
                || owner.startsWith("java/util/concurrent/atomic/")
                || FRUGAL_METHODS.contains(name);
    }

    private void pass(CodeBuilder code, String what) {
        code.loadConstant(places.size()).invokestatic(STRIKE, what.startsWith(CALL) ? "passCall" : "pass", PASS);
        places.add(at + ":" + line + " " + what);
    }
}
