package dev.trestle.architecture;

import static java.util.stream.Collectors.toSet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/** The project on disk, as its poms and its compiled module descriptors tell it. */
final class Project {

    /** A Maven module that is a JPMS module; {@code name} is its directory, which may be in {@code integrations}. */
    record Module(String name) {

        String artifact() {
            return ownArtifact(name);
        }

        String rootPackage() {
            return "dev.trestle." + name.substring(name.lastIndexOf('/') + 1).replace('-', '.');
        }

        Path sources() {
            return ROOT.resolve(name, "src", "main", "java");
        }

        Path tests() {
            return ROOT.resolve(name, "src", "test", "java");
        }

        Path classes() {
            return ROOT.resolve(name, "target", "classes");
        }

        ModuleDescriptor descriptor() {
            var file = classes().resolve("module-info.class");
            try (var in = Files.newInputStream(file)) {
                return ModuleDescriptor.read(in);
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "Cannot read " + ROOT.relativize(file) + ". Compile it: mvn -pl architecture -am test", e);
            }
        }
    }

    /** The tests of this module run in its directory. */
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private Project() {}

    /** Returns the JPMS modules of the default build, in the order of the root pom. */
    static List<Module> modules() {
        return texts(pom("."), "modules", "module")
                .map(Module::new)
                .filter(module -> Files.exists(module.sources().resolve("module-info.java")))
                .toList();
    }

    /** Returns the modules that users get: all but the examples. */
    static List<Module> published() {
        return modules().stream()
                .filter(module -> !module.name().equals("examples"))
                .toList();
    }

    static Set<String> exportedPackages() {
        return modules().stream()
                .flatMap(module -> module.descriptor().exports().stream())
                .filter(exports -> !exports.isQualified())
                .map(ModuleDescriptor.Exports::source)
                .collect(toSet());
    }

    /** Returns the artifacts that the pom of a module manages or depends on, in the order of the pom. */
    static List<String> artifacts(String module) {
        return texts(pom(module), "dependency", "artifactId").toList();
    }

    /** Returns the artifact that a module is itself; the first one in its pom is its parent. */
    private static String ownArtifact(String module) {
        return descendants(pom(module), "artifactId")
                .filter(element -> element.getParentNode().getNodeName().equals("project"))
                .map(element -> element.getTextContent().strip())
                .findFirst()
                .orElseThrow();
    }

    private static Element pom(String module) {
        try {
            return DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(ROOT.resolve(module, "pom.xml").toFile())
                    .getDocumentElement();
        } catch (ParserConfigurationException | SAXException | IOException e) {
            throw new IllegalStateException("Cannot read the pom of module " + module + " below " + ROOT, e);
        }
    }

    /** The texts of the children of that name, of all elements of that name; profiles have modules of their own. */
    private static Stream<String> texts(Element pom, String elements, String children) {
        return descendants(pom, elements)
                .filter(element -> !element.getParentNode().getNodeName().equals("profile"))
                .flatMap(element -> descendants(element, children))
                .map(child -> child.getTextContent().strip());
    }

    private static Stream<Element> descendants(Element element, String name) {
        var nodes = element.getElementsByTagName(name);
        return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i));
    }
}
