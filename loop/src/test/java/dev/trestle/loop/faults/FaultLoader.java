package dev.trestle.loop.faults;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Instruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Loads the loop's classes anew, with a question to {@link Faults} before each call and each allocation. */
final class FaultLoader extends ClassLoader {

    private static final String LOOP = "dev.trestle.loop.";
    private static final ClassDesc FAULTS = ClassDesc.of(Faults.class.getName());
    private static final MethodTypeDesc AT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);

    private final String program;

    /**
     * Creates a class loader.
     *
     * @param program what uses the loop; it and its nested classes are loaded anew as well, without questions
     */
    FaultLoader(ClassLoader parent, Class<?> program) {
        super("faults", parent);
        this.program = program.getName();
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        boolean ofProgram = name.equals(program) || name.startsWith(program + "$");
        boolean loop = name.startsWith(LOOP) && name.indexOf('.', LOOP.length()) < 0;
        if (!ofProgram && !loop) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded == null ? define(name, loop) : loaded;
        }
    }

    private Class<?> define(String name, boolean transformed) throws ClassNotFoundException {
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            byte[] bytes = in.readAllBytes();
            byte[] defined = transformed ? transform(bytes) : bytes;
            return defineClass(name, defined, 0, defined.length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Static initializers are left alone: a class that fails there is unusable, and the loop initializes its own
     * beforehand.
     */
    private byte[] transform(byte[] bytes) {
        ClassFile file = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
                java.lang.classfile.ClassHierarchyResolver.ofResourceParsing(getParent())));
        ClassModel model = file.parse(bytes);
        String type = model.thisClass().name().stringValue().substring(LOOP.length());
        return file.transformClass(
                model,
                ClassTransform.transformingMethodBodies(
                        method -> !method.methodName().stringValue().equals("<clinit>"),
                        (builder, element) -> ask(type, builder, element)));
    }

    private static void ask(String type, CodeBuilder builder, CodeElement element) {
        if (element instanceof Instruction instruction && isSite(instruction)) {
            builder.loadConstant(Faults.register(type + ": " + instruction));
            builder.invokestatic(FAULTS, "at", AT);
        }
        builder.with(element);
    }

    /**
     * Thread.onSpinWait is no site: it takes no memory, and stands where an error is held back until a step succeeds.
     */
    private static boolean isSite(Instruction instruction) {
        return (instruction instanceof InvokeInstruction call && !call.name().equalsString("onSpinWait"))
                || instruction instanceof InvokeDynamicInstruction
                || instruction instanceof NewObjectInstruction
                || instruction instanceof NewReferenceArrayInstruction;
    }
}
