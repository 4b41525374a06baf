package dev.trestle.examples;

import java.lang.classfile.Annotation;
import java.lang.classfile.AttributedElement;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassSignature;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodSignature;
import java.lang.classfile.Signature;
import java.lang.classfile.Signature.ArrayTypeSig;
import java.lang.classfile.Signature.BaseTypeSig;
import java.lang.classfile.Signature.ClassTypeSig;
import java.lang.classfile.Signature.TypeArg;
import java.lang.classfile.Signature.TypeParam;
import java.lang.classfile.Signature.TypeVarSig;
import java.lang.classfile.attribute.SignatureAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.NameAndTypeEntry;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The packages that a class refers to, its own excepted. References are the same as those of {@code jdeps}:
 * the constant pool's classes and descriptors, the descriptors of fields and methods, generic signatures and
 * annotations that are visible at run time.
 */
final class PackageReferences {

    private static final String UNNAMED = "<unnamed>";

    private final Set<String> packages = new HashSet<>();

    private PackageReferences() {}

    static Set<String> of(ClassModel file) {
        var references = new PackageReferences();
        references.addAll(file);
        references.packages.remove(packageOf(file.thisClass().asSymbol()));
        return references.packages;
    }

    private void addAll(ClassModel file) {
        for (var entry : file.constantPool()) {
            switch (entry) {
                case ClassEntry reference -> add(reference.asSymbol());
                case NameAndTypeEntry reference ->
                    addDescriptor(reference.type().stringValue());
                default -> {}
            }
        }
        addAttributes(file);
        for (var field : file.fields()) {
            add(field.fieldTypeSymbol());
            addAttributes(field);
        }
        for (var method : file.methods()) {
            add(method.methodTypeSymbol());
            addAttributes(method);
        }
    }

    private void addAttributes(AttributedElement element) {
        element.findAttribute(Attributes.signature()).ifPresent(signature -> addSignature(element, signature));
        element.findAttribute(Attributes.runtimeVisibleAnnotations())
                .ifPresent(visible -> addAnnotations(visible.annotations()));
        element.findAttribute(Attributes.runtimeVisibleParameterAnnotations())
                .ifPresent(visible -> visible.parameterAnnotations().forEach(this::addAnnotations));
    }

    private void addAnnotations(List<Annotation> annotations) {
        annotations.forEach(annotation -> add(annotation.classSymbol()));
    }

    private void addSignature(AttributedElement element, SignatureAttribute signature) {
        switch (element) {
            case ClassModel _ -> add(signature.asClassSignature());
            case MethodModel _ -> add(signature.asMethodSignature());
            default -> add(signature.asTypeSignature());
        }
    }

    private void add(ClassSignature signature) {
        signature.typeParameters().forEach(this::add);
        add(signature.superclassSignature());
        signature.superinterfaceSignatures().forEach(this::add);
    }

    private void add(MethodSignature signature) {
        signature.typeParameters().forEach(this::add);
        signature.arguments().forEach(this::add);
        add(signature.result());
        signature.throwableSignatures().forEach(this::add);
    }

    private void add(TypeParam parameter) {
        parameter.classBound().ifPresent(this::add);
        parameter.interfaceBounds().forEach(this::add);
    }

    private void add(Signature signature) {
        switch (signature) {
            case ClassTypeSig type -> {
                add(type.classDesc());
                type.outerType().ifPresent(this::add);
                type.typeArgs().forEach(this::add);
            }
            case ArrayTypeSig array -> add(array.componentSignature());
            case TypeVarSig _, BaseTypeSig _ -> {}
        }
    }

    private void add(TypeArg argument) {
        switch (argument) {
            case TypeArg.Bounded bounded -> add(bounded.boundType());
            case TypeArg.Unbounded _ -> {}
        }
    }

    private void addDescriptor(String descriptor) {
        if (descriptor.startsWith("(")) {
            add(MethodTypeDesc.ofDescriptor(descriptor));
        } else {
            add(ClassDesc.ofDescriptor(descriptor));
        }
    }

    private void add(MethodTypeDesc method) {
        add(method.returnType());
        method.parameterList().forEach(this::add);
    }

    private void add(ClassDesc type) {
        ClassDesc element = type;
        while (element.isArray()) {
            element = element.componentType();
        }
        if (element.isClassOrInterface()) {
            packages.add(packageOf(element));
        }
    }

    private static String packageOf(ClassDesc type) {
        String name = type.packageName();
        return name.isEmpty() ? UNNAMED : name;
    }
}
