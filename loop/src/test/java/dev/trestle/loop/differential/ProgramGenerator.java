package dev.trestle.loop.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.function.IntSupplier;

/** Makes a random program, the same for the same seed. */
final class ProgramGenerator {

    /*
     * Nothing may last forever when it is cancelled often enough. So tasks must not await each other in a circle, which
     * Python cannot cancel (we can, and have tests for it): a task awaits only what stands on a higher level, and a
     * group gets only such tasks. The level of a task is its number; a gather and a shield have the lowest of their
     * parts; futures stand above all. And a task does not await another, or the end of a group, while it has the
     * condition's lock: the other may go on waiting for that lock when it is cancelled.
     *
     * The objects that statements refer to are chosen at the end, when all numbers are known.
     */

    private static final int DEEPEST = 5;

    /** The relative frequency of each statement. */
    private static final Map<String, Integer> WAITING = Map.ofEntries(
            Map.entry("sleep", 18),
            Map.entry("await", 11),
            Map.entry("wait", 3),
            Map.entry("completed", 2),
            Map.entry("waitfor", 3),
            Map.entry("waitforbody", 2),
            Map.entry("within", 5),
            Map.entry("withinat", 2),
            Map.entry("group", 5),
            Map.entry("lock", 4),
            Map.entry("semaphore", 3),
            Map.entry("waitevent", 2),
            Map.entry("condition", 4),
            Map.entry("waitcondition", 3),
            Map.entry("until", 2),
            Map.entry("put", 3),
            Map.entry("get", 3),
            Map.entry("join", 1),
            Map.entry("try", 11),
            Map.entry("gather", 7),
            Map.entry("shield", 3));

    private static final Map<String, Integer> INSTANT = Map.ofEntries(
            Map.entry("spawn", 12),
            Map.entry("eager", 4),
            Map.entry("spawnin", 9),
            Map.entry("cancel", 9),
            Map.entry("uncancel", 3),
            Map.entry("look", 2),
            Map.entry("set", 6),
            Map.entry("fail", 2),
            Map.entry("raise", 3),
            Map.entry("setvariable", 2),
            Map.entry("variable", 2),
            Map.entry("unlock", 1),
            Map.entry("release", 1),
            Map.entry("notify", 5),
            Map.entry("count", 2),
            Map.entry("tryput", 3),
            Map.entry("tryget", 2),
            Map.entry("taskdone", 2),
            Map.entry("queue", 1),
            Map.entry("shutdown", 1),
            Map.entry("giveup", 1),
            Map.entry("tasks", 1),
            Map.entry("cancelgroup", 2),
            Map.entry("reschedule", 2),
            Map.entry("setevent", 4),
            Map.entry("clearevent", 1),
            Map.entry("soon", 2),
            Map.entry("later", 3),
            Map.entry("whendone", 3),
            Map.entry("drop", 1));

    private final Random random;
    private final Choice everything = new Choice(List.of(WAITING, INSTANT));
    private final Choice instant = new Choice(List.of(INSTANT));

    /** The choices at the end: first for objects with parts, then the rest. */
    private final List<Runnable> parts = new ArrayList<>();

    private final List<Runnable> references = new ArrayList<>();
    private final TreeMap<Integer, Integer> levels = new TreeMap<>();
    private final TreeMap<Integer, Boolean> isTask = new TreeMap<>();
    private int slots = 1;
    private int callbacks;
    private int limits;
    private int groups;
    private int budget;

    /**
     * True if cancellations have messages. Then there is no shield, which drops them in asyncio, nor a gather, which
     * takes any part's.
     */
    private final boolean messages;

    private ProgramGenerator(long seed) {
        random = new Random(seed);
        budget = 20 + random.nextInt(random.nextInt(4) == 0 ? 250 : 100);
        messages = random.nextInt(3) == 0;
    }

    /** Returns the names of all statements. */
    static Set<String> statements() {
        var names = new TreeSet<>(WAITING.keySet());
        names.addAll(INSTANT.keySet());
        return names;
    }

    static List<Statement> program(long seed) {
        return new ProgramGenerator(seed).program();
    }

    private List<Statement> program() {
        levels.put(0, 0);
        isTask.put(0, true);
        Interpreter.FUTURES.forEach(number -> levels.put(number, Integer.MAX_VALUE));
        Interpreter.FUTURES.forEach(number -> isTask.put(number, false));
        var place = new Place(0, 0, -1, false, new ArrayList<>());
        List<Object> body = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0 && makesSense("spawn", place); i--) {
            body.add(statement("spawn", place));
        }
        body.addAll(block(place, everything, 4 + random.nextInt(10)));
        parts.forEach(Runnable::run);
        references.forEach(Runnable::run);
        return Statement.block(body);
    }

    /**
     * The place of a statement: its task, group and condition, its depth, and the objects that the task has created
     * before it.
     */
    private record Place(int self, int depth, int group, boolean condition, List<Integer> own) {
        Place deeper() {
            return new Place(self, depth + 1, group, condition, own);
        }

        Place inGroup(int newGroup) {
            return new Place(self, depth + 1, newGroup, condition, own);
        }

        Place withCondition() {
            return new Place(self, depth + 1, group, true, own);
        }
    }

    private List<Object> block(Place place, Choice choice, int size) {
        var block = new ArrayList<>();
        for (int i = 0; i < size && budget > 0; i++) {
            budget--;
            String name = choice.next();
            while (!makesSense(name, place)) {
                name = choice.next();
            }
            block.add(statement(name, place));
            if (name.equals("raise") || name.equals("giveup")) {
                break;
            }
        }
        return block;
    }

    private List<Object> body(Place place) {
        return block(place, everything, place.depth() < DEEPEST ? 1 + random.nextInt(5) : 0);
    }

    private List<Object> callback(Place place) {
        return block(place.deeper(), instant, place.depth() < DEEPEST ? random.nextInt(3) : 0);
    }

    private List<Object> statement(String name, Place place) {
        List<Object> it = new ArrayList<>(List.of(name));
        switch (name) {
            case "sleep" -> it.add(random.nextInt(3) == 0 ? 0 : random.nextInt(5));
            case "await" -> awaited(it, place);
            case "wait" -> {
                int when = random.nextInt(3);
                // A gather that is cancelled counts as failed in asyncio, so this condition may differ.
                several(references, it, place, number -> when != 1 || isPlain(number));
                it.add(when);
                it.add(limit());
            }
            case "completed" -> {
                several(references, it, place, _ -> true);
                it.add(limit());
            }
            case "waitfor" -> {
                awaited(it, place);
                it.add(limit());
            }
            case "waitforbody" -> {
                it.add(limit());
                it.add(body(place.deeper()));
            }
            case "within" -> {
                it.add(limits++);
                it.add(limit());
                it.add(body(place.deeper()));
            }
            case "withinat" -> {
                it.add(limits++);
                it.add(random.nextInt(14) - 1);
                it.add(body(place.deeper()));
            }
            case "group" -> {
                it.add(groups);
                it.add(body(place.inGroup(groups++)));
            }
            case "lock" -> {
                it.add(random.nextInt(Interpreter.LOCKS));
                it.add(body(place.deeper()));
            }
            case "semaphore" -> it.add(body(place.deeper()));
            case "waitevent", "setevent", "clearevent" -> it.add(random.nextInt(Interpreter.EVENTS));
            case "try" -> {
                it.add(body(place.deeper()));
                it.add(random.nextInt(3));
                it.add(body(place.deeper()));
                it.add(random.nextInt(2));
                it.add(random.nextInt(3) == 0 ? body(place.deeper()) : List.of());
            }
            case "spawn", "eager" -> task(it, place);
            case "spawnin" -> {
                group(it, place);
                task(it, place);
            }
            case "gather" -> {
                int number = slot(it, place, false);
                several(parts, it, place, _ -> true);
                parts.add(() -> levels.put(number, level(it, 2)));
                it.add(random.nextInt(2));
            }
            case "shield" -> {
                int number = slot(it, place, false);
                int at = it.size();
                it.add(0);
                parts.add(() -> it.set(at, above(place, _ -> true)));
                parts.add(() -> levels.put(number, requireLevel((Integer) it.get(at))));
            }
            case "cancel" -> {
                chosenAny(it, place);
                it.add(messages ? random.nextInt(3) : 0);
            }
            case "uncancel" -> chosen(it, () -> random.nextBoolean() ? place.self() : pick(number -> isTask(number)));
            case "look" -> chosenAny(it, place);
            case "set", "fail" -> {
                chosen(it, () -> random.nextInt(9) == 0 ? pick(this::isTask) : future());
                it.add(random.nextInt(10));
            }
            case "raise" -> it.add(random.nextInt(10));
            case "giveup", "tasks", "waitcondition", "variable", "release", "count" -> {}
            case "condition" -> it.add(conditionBody(place.withCondition()));
            case "setvariable" -> it.add(random.nextInt(10));
            case "until", "notify" -> it.add(1 + random.nextInt(3));
            case "put", "tryput" -> {
                it.add(random.nextInt(Interpreter.QUEUES));
                it.add(random.nextInt(10));
            }
            case "get", "tryget", "join", "taskdone", "queue" -> it.add(random.nextInt(Interpreter.QUEUES));
            case "shutdown" -> {
                it.add(random.nextInt(Interpreter.QUEUES));
                it.add(random.nextInt(3) == 0 ? 1 : 0);
            }
            case "unlock" -> it.add(random.nextInt(Interpreter.LOCKS));
            case "cancelgroup" -> group(it, place);
            case "reschedule" -> {
                chosen(it, () -> random.nextInt(limits + 1));
                it.add(limit());
            }
            case "soon" -> {
                it.add(callbacks++);
                it.add(callback(place));
            }
            case "later" -> {
                it.add(callbacks++);
                it.add(random.nextInt(5));
                it.add(callback(place));
            }
            case "whendone" -> {
                it.add(callbacks++);
                chosenAny(it, place);
                it.add(callback(place));
            }
            case "drop" -> chosen(it, () -> random.nextInt(callbacks + 1));
            default -> throw new IllegalStateException("No such statement: " + name);
        }
        return it;
    }

    /** Makes one task wait and another notify: by chance alone this is rare. */
    private List<Object> conditionBody(Place place) {
        List<Object> first = switch (random.nextInt(5)) {
            case 0 -> List.of(statement("waitcondition", place));
            case 1 -> List.of(statement("until", place));
            case 2 -> List.of(statement("notify", place));
            case 3 -> List.of(statement("count", place), statement("notify", place));
            default -> List.of();
        };
        var block = new ArrayList<Object>(first);
        block.addAll(body(place));
        return block;
    }

    private boolean makesSense(String name, Place place) {
        boolean numbersLeft = slots < Interpreter.FUTURES.getFirst();
        return switch (name) {
            case "spawn", "eager" -> numbersLeft;
            case "gather", "shield" -> numbersLeft && !messages && !place.own().isEmpty();
            case "spawnin" -> numbersLeft && makesSense("cancelgroup", place);
            case "cancelgroup" -> place.group() >= 0 || (groups > 0 && random.nextInt(4) == 0);
            case "await", "waitfor" -> !place.condition() && (!place.own().isEmpty() || random.nextInt(3) == 0);
            case "wait", "completed" -> !place.own().isEmpty() || random.nextInt(3) == 0;
            case "reschedule" -> limits > 0;
            case "drop" -> callbacks > 0;
            case "waitcondition", "until" -> place.condition();
            case "notify" -> place.condition() || random.nextInt(9) == 0;
            case "group" -> !place.condition();
            default -> true;
        };
    }

    private int limit() {
        return random.nextInt(6) - 1;
    }

    private int slot(List<Object> it, Place place, boolean task) {
        int number = slots++;
        it.add(number);
        place.own().add(number);
        isTask.put(number, task);
        if (task) {
            levels.put(number, number);
        }
        return number;
    }

    private void task(List<Object> it, Place place) {
        int number = slot(it, place, true);
        it.add(body(new Place(
                number, place.depth() + 1, random.nextBoolean() ? place.group() : -1, false, new ArrayList<>())));
    }

    // The operands of a statement

    private void chosen(List<Object> it, IntSupplier choice) {
        int at = it.size();
        it.add(0);
        references.add(() -> it.set(at, choice.getAsInt()));
    }

    /** A group that stands before this: its parent has a lower number than a task that is created here. */
    private void group(List<Object> it, Place place) {
        boolean near = place.group() >= 0 && random.nextInt(4) > 0;
        it.add(near ? place.group() : random.nextInt(groups));
    }

    /** Anything; rather what the task has created itself. */
    private void chosenAny(List<Object> it, Place place) {
        List<Integer> own = List.copyOf(place.own());
        chosen(it, () -> {
            if (!own.isEmpty() && random.nextInt(2) == 0) {
                return own.get(random.nextInt(own.size()));
            }
            return random.nextInt(4) == 0 ? future() : pick(_ -> true);
        });
    }

    private void awaited(List<Object> it, Place place) {
        List<Integer> own = List.copyOf(place.own());
        chosen(it, () -> above(new Place(place.self(), 0, 0, false, own), _ -> true));
    }

    private void several(List<Runnable> when, List<Object> it, Place place, IntPredicate wanted) {
        int at = it.size();
        int count = 1 + random.nextInt(4);
        var here = new Place(place.self(), 0, 0, false, List.copyOf(place.own()));
        it.add(List.of());
        when.add(() -> {
            var numbers = new ArrayList<Integer>();
            for (int i = 0; i < count; i++) {
                numbers.add(above(here, wanted));
            }
            it.set(at, numbers.stream().distinct().toList());
        });
    }

    private int level(List<Object> it, int place) {
        return ((List<?>) it.get(place))
                .stream()
                        .mapToInt(number -> requireLevel((Integer) number))
                        .min()
                        .orElse(Integer.MAX_VALUE);
    }

    private int requireLevel(int number) {
        return Objects.requireNonNull(levels.get(number));
    }

    /** Something that a task may await; rather what it has created itself. */
    private int above(Place place, IntPredicate wanted) {
        IntPredicate allowed =
                number -> levels.containsKey(number) && requireLevel(number) > place.self() && wanted.test(number);
        List<Integer> own = place.own().stream().filter(allowed::test).toList();
        if (!own.isEmpty() && random.nextInt(3) > 0) {
            return own.get(random.nextInt(own.size()));
        }
        return random.nextInt(6) == 0 ? future() : pick(allowed);
    }

    private int future() {
        return Interpreter.FUTURES.get(random.nextInt(Interpreter.FUTURES.size()));
    }

    private int pick(IntPredicate wanted) {
        List<Integer> candidates = levels.keySet().stream().filter(wanted::test).toList();
        return candidates.get(random.nextInt(candidates.size()));
    }

    private boolean isTask(int number) {
        return Boolean.TRUE.equals(isTask.get(number));
    }

    private boolean isPlain(int number) {
        return isTask(number) || Interpreter.FUTURES.contains(number);
    }

    /** Chooses by weight. */
    private final class Choice {
        private final TreeMap<Integer, String> names = new TreeMap<>();
        private int total;

        Choice(List<Map<String, Integer>> weights) {
            weights.forEach(some -> new TreeMap<>(some).forEach((name, weight) -> {
                names.put(total, name);
                total += weight;
            }));
        }

        String next() {
            return names.floorEntry(random.nextInt(total)).getValue();
        }
    }
}
