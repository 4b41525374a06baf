package dev.trestle.processpool;

import dev.trestle.processpool.jvm.Log;
import java.lang.management.ManagementFactory;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * A JMX bean of a pool: each of its {@link ProcessPool.Statistics}, and the process ids of its workers, as
 * attributes to read. Its name is {@code dev.trestle:type=ProcessPool,name="<the pool's>"}, with a number if there is
 * one of that name.
 *
 * <p>It is there from the pool's first worker to its end. Thread-safe.
 */
final class PoolBean implements DynamicMBean {

    /*
     * The attributes are the components of the record, so that there is one list of what there is to count. The
     * platform's server takes a while to start the first time it is asked for: it is asked for on a thread of the
     * pool's timer, while the calls go on.
     */

    private static final Log logger = Log.of(PoolBean.class);
    private static final String PIDS = "WorkerPids";
    private static final Map<String, RecordComponent> statistics = components();

    private final Dispatcher dispatcher;

    // Guarded by this
    private @Nullable ObjectName registered;
    private boolean over;

    PoolBean(Dispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    private static Map<String, RecordComponent> components() {
        var components = new HashMap<String, RecordComponent>();
        for (RecordComponent each : ProcessPool.Statistics.class.getRecordComponents()) {
            components.put(attribute(each.getName()), each);
        }
        return components;
    }

    /** Registers this. May take a while, the first time in a program. */
    synchronized void register() {
        if (over) {
            return;
        }
        try {
            for (int instance = 1; registered == null; instance++) {
                ObjectName name = name(dispatcher.poolName(), instance);
                try {
                    ManagementFactory.getPlatformMBeanServer().registerMBean(this, name);
                    registered = name;
                } catch (InstanceAlreadyExistsException e) {
                    logger.debug("There is a pool named {} already", name);
                }
            }
        } catch (JMException | RuntimeException e) {
            logger.warn("{} cannot be registered with JMX", dispatcher.poolName(), e);
        }
    }

    synchronized void unregister() {
        over = true;
        if (registered != null) {
            try {
                ManagementFactory.getPlatformMBeanServer().unregisterMBean(registered);
            } catch (JMException | RuntimeException e) {
                logger.debug("{} is already gone", registered, e);
            }
        }
    }

    static ObjectName name(String pool, int instance) throws JMException {
        return new ObjectName("dev.trestle:type=ProcessPool,name=" + ObjectName.quote(pool)
                + (instance == 1 ? "" : ",instance=" + instance));
    }

    private static String attribute(String component) {
        return component.substring(0, 1).toUpperCase(Locale.ROOT) + component.substring(1);
    }

    // Questions of JMX

    @Override
    public Object getAttribute(String name) throws AttributeNotFoundException {
        return read(name, dispatcher::statistics);
    }

    @Override
    public AttributeList getAttributes(String[] names) {
        ProcessPool.Statistics now = dispatcher.statistics();
        var values = new AttributeList();
        for (String name : names) {
            try {
                values.add(new Attribute(name, read(name, () -> now)));
            } catch (AttributeNotFoundException e) {
                logger.debug("JMX asks for an attribute that does not exist", e); // and is told by its absence
            }
        }
        return values;
    }

    private Object read(String name, Supplier<ProcessPool.Statistics> source) throws AttributeNotFoundException {
        if (name.equals(PIDS)) {
            return dispatcher.pids().stream().mapToLong(Long::longValue).toArray();
        }
        RecordComponent component = statistics.get(name);
        if (component == null) {
            throw new AttributeNotFoundException(
                    "A process pool has no attribute " + name + "; it has " + PIDS + " and " + statistics.keySet());
        }
        try {
            return component.getAccessor().invoke(source.get());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(name + " of " + dispatcher + " cannot be read", e);
        }
    }

    @Override
    public MBeanInfo getMBeanInfo() {
        List<MBeanAttributeInfo> attributes = new ArrayList<>();
        statistics.forEach((name, component) -> attributes.add(
                new MBeanAttributeInfo(name, component.getType().getName(), component.getName(), true, false, false)));
        attributes.add(
                new MBeanAttributeInfo(PIDS, long[].class.getName(), "process ids of the workers", true, false, false));
        return new MBeanInfo(
                ProcessPool.class.getName(),
                "A pool of child JVMs",
                attributes.toArray(MBeanAttributeInfo[]::new),
                null,
                null,
                null);
    }

    @Override
    public void setAttribute(Attribute attribute) throws AttributeNotFoundException {
        throw new AttributeNotFoundException(attribute.getName() + " cannot be set: the bean of a pool is read-only");
    }

    @Override
    public AttributeList setAttributes(AttributeList attributes) {
        return new AttributeList();
    }

    @Override
    public Object invoke(String action, Object[] arguments, String[] signature) {
        throw new UnsupportedOperationException(action + " does not exist: the bean of a pool is read-only");
    }
}
