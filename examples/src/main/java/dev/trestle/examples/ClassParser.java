package dev.trestle.examples;

import static java.util.stream.Collectors.toMap;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Counts the parts of class files, with the Class-File API. All methods are pure functions, and run in any process. */
final class ClassParser {

    private static final ClassFile CLASS_FILE =
            ClassFile.of(ClassFile.DebugElementsOption.DROP_DEBUG, ClassFile.LineNumbersOption.DROP_LINE_NUMBERS);
    private static final ClassDesc LAMBDAS = ClassDesc.of("java.lang.invoke.LambdaMetafactory");

    private ClassParser() {}

    /**
     * Counts a batch. A file that is not a sound class file is listed as unreadable, and no part of the file is
     * counted.
     */
    static Counts parse(Batch batch) {
        Counts counts = Counts.unreadable(batch.unreadable());
        for (ClassBytes file : batch.files()) {
            counts = counts.plus(parse(file));
        }
        return counts;
    }

    private static Counts parse(ClassBytes file) {
        try {
            return count(CLASS_FILE.parse(file.bytes()));
        } catch (RuntimeException | StackOverflowError e) {
            // Garbage fails where the lazy parser trips over it, and not always with the documented exception.
            return Counts.unreadable(List.of(Unreadable.because(file.name(), e)));
        }
    }

    private static Counts count(ClassModel file) {
        var versions = Map.of(file.majorVersion(), 1L);
        if (file.isModuleInfo()) {
            return new Counts(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, versions, List.of(), Map.of(), List.of());
        }
        var code = new Code();
        file.methods().forEach(code::add);
        boolean annotation = file.flags().has(AccessFlag.ANNOTATION);
        return new Counts(
                1,
                0,
                one(file.flags().has(AccessFlag.INTERFACE) && !annotation),
                one(annotation),
                one(file.flags().has(AccessFlag.ENUM)),
                one(file.findAttribute(Attributes.record()).isPresent()),
                one(file.findAttribute(Attributes.permittedSubclasses()).isPresent()),
                file.methods().size(),
                file.fields().size(),
                code.instructions,
                code.lambdas,
                versions,
                code.largest(),
                once(PackageReferences.of(file)),
                List.of());
    }

    private static int one(boolean condition) {
        return condition ? 1 : 0;
    }

    private static Map<String, Long> once(Set<String> packages) {
        return packages.stream().collect(toMap(name -> name, _ -> 1L));
    }

    /** The code of the methods of one class. */
    private static final class Code {
        private final List<Measured> methods = new ArrayList<>();
        private long instructions;
        private long lambdas;

        void add(MethodModel method) {
            method.findAttribute(Attributes.code()).ifPresent(code -> add(method, code));
        }

        private void add(MethodModel method, CodeAttribute code) {
            int count = 0;
            for (var element : code) {
                if (element instanceof Instruction) {
                    count++;
                }
                if (element instanceof InvokeDynamicInstruction dynamic && makesLambda(dynamic)) {
                    lambdas++;
                }
            }
            instructions += count;
            methods.add(new Measured(method, code.codeLength(), count));
        }

        private static boolean makesLambda(InvokeDynamicInstruction dynamic) {
            return dynamic.bootstrapMethod().owner().equals(LAMBDAS);
        }

        List<MethodSize> largest() {
            return methods.stream()
                    .sorted(Comparator.comparingInt(Measured::bytes).reversed())
                    .limit(Counts.LARGEST)
                    .map(Measured::named)
                    .sorted(MethodSize.LARGEST_FIRST)
                    .toList();
        }
    }

    /** A method without its name: names are long, and only a few of them are shown. */
    private record Measured(MethodModel method, int bytes, int instructions) {

        MethodSize named() {
            String owner =
                    method.parent().orElseThrow().thisClass().asInternalName().replace('/', '.');
            String name = owner + "." + method.methodName()
                    + method.methodTypeSymbol().displayDescriptor();
            return new MethodSize(name, bytes, instructions);
        }
    }
}
