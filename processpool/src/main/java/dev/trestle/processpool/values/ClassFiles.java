package dev.trestle.processpool.values;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleReader;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds classes by names that a sender chose, for one class loader. Thread-safe. */
final class ClassFiles {

    /*
     * A class loader keeps a lock for each name that it was ever asked for, whether there is such a class or not, and
     * so does each of its parents. The JDK's own loaders remember the names of resources as well. So a name is looked
     * for in the files first, by ways that remember nothing: in the modules of the program, in loaders that say which
     * files they have, and in the class path of the JVM.
     *
     * There may be other places, such as loaders of frameworks and what agents add. Therefore a loader is asked for
     * names without a file as well, but only until it has not known a few of them: so the number of locks is limited.
     */

    private static final int MAX_UNKNOWN = 256;

    private final ClassLoader loader;
    private final AtomicInteger unknown = new AtomicInteger();

    ClassFiles(ClassLoader loader) {
        this.loader = loader;
    }

    /** The modules of the program, and its class path. */
    private static final class Program {

        static final Map<String, Module> modules = modules();

        /** Never closed: the JVM's own loader holds the same files. */
        static final URLClassLoader classPath = new URLClassLoader(classPath(), null);

        /** The files of modules that were looked into; never closed either. They are found without being read. */
        private static final Map<Module, ModuleReader> readers = new ConcurrentHashMap<>();

        static ModuleReader reader(Module module) throws IOException {
            ModuleReader known = readers.get(module);
            if (known != null) {
                return known;
            }
            ModuleReader opened = ModuleLayer.boot()
                    .configuration()
                    .findModule(module.getName())
                    .orElseThrow()
                    .reference()
                    .open();
            known = readers.putIfAbsent(module, opened);
            if (known == null) {
                return opened;
            }
            opened.close();
            return known;
        }

        private static Map<String, Module> modules() {
            var modules = new HashMap<String, Module>();
            for (Module module : ModuleLayer.boot().modules()) {
                module.getPackages().forEach(each -> modules.put(each, module));
            }
            return Map.copyOf(modules);
        }

        private static URL[] classPath() {
            List<URL> urls = new ArrayList<>();
            String text = System.getProperty("java.class.path", "");
            for (String each : text.split(Pattern.quote(File.pathSeparator), -1)) {
                URL url = url(each);
                if (url != null) {
                    urls.add(url);
                }
            }
            return urls.toArray(URL[]::new);
        }

        private static @Nullable URL url(String entry) {
            try {
                return Path.of(entry).toUri().toURL();
            } catch (MalformedURLException | InvalidPathException e) {
                return null; // no class was ever loaded from it
            }
        }
    }

    /** Returns the class with a name, which is not initialized. */
    Class<?> find(String name) throws ClassNotFoundException {
        boolean isThere = isThere(name);
        if (!isThere && unknown.get() >= MAX_UNKNOWN) {
            throw new ClassNotFoundException(name);
        }
        try {
            return Class.forName(name, false, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            unknown.incrementAndGet();
            throw e;
        }
    }

    /** Returns whether there is a file of the class in one of the usual places. */
    private boolean isThere(String name) {
        String file = name.replace('.', '/') + ".class";
        Module module = Program.modules.get(name.substring(0, Math.max(0, name.lastIndexOf('.'))));
        if (module != null && has(module, file)) {
            return true;
        }
        for (ClassLoader each = loader; each != null; each = each.getParent()) {
            URL found = each instanceof URLClassLoader files
                    ? files.findResource(file)
                    : each == ClassLoader.getSystemClassLoader() ? Program.classPath.findResource(file) : null;
            if (found != null) {
                return true;
            }
        }
        return false;
    }

    private static boolean has(Module module, String file) {
        try {
            return Program.reader(module).find(file).isPresent();
        } catch (IOException e) {
            return false; // it cannot be read, so no class is made of it either
        }
    }

    @Override
    public String toString() {
        return "ClassFiles[" + loader + ", unknown=" + unknown + "]";
    }
}
