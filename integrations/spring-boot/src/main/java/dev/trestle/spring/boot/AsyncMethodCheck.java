package dev.trestle.spring.boot;

import dev.trestle.processpool.ProcessPool;
import java.lang.reflect.Method;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.core.task.TaskExecutor;
import org.springframework.scheduling.annotation.Async;
import org.springframework.util.StringUtils;

/** Refuses beans with a method that Spring would give to a process pool, which could never run it. */
final class AsyncMethodCheck implements BeanPostProcessor {

    /** The bean that Spring takes if there is not exactly one executor of tasks. */
    private static final String DEFAULT_EXECUTOR = "taskExecutor";

    private final ConfigurableListableBeanFactory beans;

    AsyncMethodCheck(ConfigurableListableBeanFactory beans) {
        this.beans = beans;
    }

    @Override
    public Object postProcessBeforeInitialization(Object bean, String beanName) {
        Class<?> type = bean.getClass();
        if (AnnotationUtils.isCandidateClass(type, Async.class)) {
            Map<Method, Async> methods = MethodIntrospector.selectMethods(
                    type, (MethodIntrospector.MetadataLookup<@Nullable Async>) method -> asyncOf(method, type));
            methods.forEach((method, async) -> refuseProcessPool(type, method, async));
        }
        return bean;
    }

    private static @Nullable Async asyncOf(Method method, Class<?> type) {
        Async own = AnnotatedElementUtils.findMergedAnnotation(method, Async.class);
        if (own != null || method.getDeclaringClass() == Object.class) {
            return own;
        }
        return AnnotatedElementUtils.findMergedAnnotation(type, Async.class);
    }

    private void refuseProcessPool(Class<?> type, Method method, Async async) {
        String executor = executorOf(async);
        if (executor != null && beans.containsBean(executor) && beans.isTypeMatch(executor, ProcessPool.class)) {
            throw new AsyncOnProcessPoolException(type.getSimpleName() + "." + method.getName(), executor);
        }
    }

    private @Nullable String executorOf(Async async) {
        if (StringUtils.hasText(async.value())) {
            return beans.resolveEmbeddedValue(async.value());
        }
        boolean isDecided = beans.getBeanNamesForType(TaskExecutor.class, false, false).length == 1;
        return isDecided ? null : DEFAULT_EXECUTOR;
    }

    /** Returns a check of the beans of a context. */
    static AsyncMethodCheck of(BeanFactory beans) {
        return new AsyncMethodCheck((ConfigurableListableBeanFactory) beans);
    }
}
