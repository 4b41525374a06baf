package dev.trestle.processpool.values;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.attribute.LineNumberTableAttribute;
import java.lang.classfile.attribute.LocalVariableInfo;
import java.lang.classfile.attribute.LocalVariableTableAttribute;
import java.lang.classfile.attribute.SourceFileAttribute;
import java.lang.reflect.AccessFlag;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The source line of a lambda, read from its class file, and so only for a message that shows it.
 *
 * @param text such as {@code Primes.count(Primes.java:12)} for a lambda, {@code Primes::count} for a method reference
 * @param names the names of the captured values in order, as far as the class file has them
 */
record SourceLine(String text, List<String> names) {

    static SourceLine of(LambdaSite site, ClassLoader loader) {
        String owner = site.implClassName();
        String simpleOwner = owner.substring(owner.lastIndexOf('.') + 1).replace('$', '.');
        if (!site.isLambdaBody()) {
            return new SourceLine(
                    simpleOwner + "::" + (site.implMethod().equals("<init>") ? "new" : site.implMethod()), List.of());
        }
        String method = simpleOwner + "." + site.enclosingMethod();
        try (InputStream file = loader.getResourceAsStream(site.implClass() + ".class")) {
            if (file != null) {
                return in(ClassFile.of().parse(file.readAllBytes()), site, method);
            }
        } catch (IOException | IllegalArgumentException | LinkageError e) {
            // A class made at run time, no class file, or a class of the JDK that could not be set up for lack of
            // memory: no
            // line then.
            return new SourceLine(method, List.of());
        }
        return new SourceLine(method, List.of());
    }

    private static SourceLine in(ClassModel type, LambdaSite site, String method) {
        String file = type.findAttribute(Attributes.sourceFile())
                .map(SourceFileAttribute::sourceFile)
                .map(Object::toString)
                .orElse("?");
        for (MethodModel each : type.methods()) {
            if (each.methodName().equalsString(site.implMethod())
                    && each.methodType().equalsString(site.implDescriptor())
                    && each.code().orElse(null) instanceof CodeAttribute code) {
                String line = code.findAttribute(Attributes.lineNumberTable())
                        .map(LineNumberTableAttribute::lineNumbers)
                        .filter(lines -> !lines.isEmpty())
                        .map(lines -> ":" + lines.getFirst().lineNumber())
                        .orElse("");
                boolean isStatic = each.flags().has(AccessFlag.STATIC);
                return new SourceLine(method + "(" + file + line + ")", names(code, site, isStatic));
            }
        }
        return new SourceLine(method, List.of());
    }

    /** The captured values are the first parameters, and a parameter keeps the name of the variable. */
    private static List<String> names(CodeAttribute code, LambdaSite site, boolean isStatic) {
        Map<Integer, String> bySlot = new TreeMap<>();
        code.findAttribute(Attributes.localVariableTable())
                .map(LocalVariableTableAttribute::localVariables)
                .ifPresent(variables -> {
                    for (LocalVariableInfo each : variables) {
                        if (each.startPc() == 0) {
                            bySlot.put(each.slot(), each.name().stringValue());
                        }
                    }
                });
        if (!isStatic) {
            bySlot.put(0, "this");
        }
        List<String> names = List.copyOf(bySlot.values());
        return names.size() < site.captured() ? List.of() : names.subList(0, site.captured());
    }

    @Override
    public String toString() {
        return text;
    }
}
