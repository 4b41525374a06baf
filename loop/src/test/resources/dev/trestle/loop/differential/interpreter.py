"""Runs programs on asyncio, in virtual time: one JSON program per line of input, the JSON list of its trace per line of output.

The language is described in Interpreter.java, which runs the same programs on the event loop of this project. Everything
from "What later versions do" on down to the interpreter brings CPython 3.11 and later to one behaviour.
"""

import asyncio
import contextvars
import heapq
import json
import sys
import warnings
from asyncio import CancelledError

FUTURES = range(100, 106)
LOCKS = 2
EVENTS = 2
ROUNDS = 300
VARIABLE = contextvars.ContextVar("variable", default="unset")


class OrderedTimer(asyncio.TimerHandle):
    """Timers that are due together fire in the order of registration, which asyncio leaves open."""

    __slots__ = ("order",)

    def __lt__(self, other):
        return (self._when, self.order) < (other._when, other.order)


class VirtualLoop(asyncio.base_events.BaseEventLoop):
    """A loop whose selector, itself, jumps to the next timer instead of waiting for it."""

    def __init__(self):
        super().__init__()
        self.now = 0
        self.timers = 0
        self._selector = self
        self._clock_resolution = 0.5  # times are whole numbers
        self.set_task_factory(lambda loop, coroutine, **options: Task(coroutine, loop=loop, **options))

    def time(self):
        return self.now

    def select(self, timeout):
        if timeout is None:
            raise RuntimeError("nothing is ready, and there is no timer")
        self.now += timeout
        return ()

    def _process_events(self, events):
        pass

    def call_at(self, when, callback, *args, context=None):
        timer = OrderedTimer(when, callback, args, self, context)
        timer.order = self.timers
        self.timers += 1
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer


# What later versions do


class Task(asyncio.tasks._PyTask):
    def uncancel(self):
        left = super().uncancel()
        if left == 0:
            self._must_cancel = False  # since 3.13
        return left

    def _make_cancelled_error(self):
        """Each query gets the message of the cancellation; asyncio tells it to the first only."""
        error = super()._make_cancelled_error()
        if error.args:
            self._cancel_message = error.args[0]
        return error


class InOrder(dict):
    """A set that keeps the order of insertion."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class TaskGroup(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = InOrder()  # cancels in the order of creation, which asyncio leaves open

    if sys.version_info < (3, 15):

        def cancel(self):  # since 3.15
            if not self._aborting and (self._tasks or not self._exiting):
                self._abort()
                self._parent_cancel_requested = True
                self._parent_task.cancel()

        async def __aexit__(self, kind, error, traceback):
            self._exiting = True
            cancellation = error if isinstance(error, CancelledError) else None
            latest = None
            if error is not None and not self._aborting:
                self._abort()
            while self._tasks:
                self._on_completed_fut = self._loop.create_future()
                try:
                    await self._on_completed_fut
                except CancelledError as e:
                    latest = e
                    if not self._aborting:
                        cancellation = e
                        self._abort()
            self._on_completed_fut = None
            if self._parent_cancel_requested:
                if self._parent_task.uncancel() == 0:
                    cancellation = None
                elif cancellation is None:
                    cancellation = latest  # since 3.15
            if error is not None and not isinstance(error, CancelledError):
                self._errors.append(error)  # before the next line, or it may be lost, as in 3.15
            if cancellation is not None and not self._errors:
                raise cancellation
            if self._errors:
                if self._parent_task.cancelling():  # since 3.13
                    self._parent_task.uncancel()
                    self._parent_task.cancel()
                raise BaseExceptionGroup("failures", self._errors) from None
            return True


class Condition(asyncio.Condition):
    async def wait(self):
        if not self.locked():
            raise RuntimeError("nobody has the lock")
        turn = asyncio.get_running_loop().create_future()
        self.release()
        self._waiters.append(turn)
        error = None
        try:
            await turn
        except CancelledError as e:
            error = e
        self._waiters.remove(turn)
        while True:
            try:
                await self.acquire()
                break
            except CancelledError as e:
                error = e  # the same object, since 3.13
        if error is not None:
            if turn.done() and not turn.cancelled():
                self.notify(1)  # since 3.13, where it is passed on even if there was none
            raise error
        return True


if sys.version_info >= (3, 13):
    from asyncio import LifoQueue, PriorityQueue, Queue, QueueShutDown
else:

    class QueueShutDown(Exception):
        pass

    class ShutDown:
        """The methods of 3.13, which can shut a queue down."""

        shut_down = False

        def shutdown(self, immediate):
            self.shut_down = True
            if immediate:
                while not self.empty():
                    self._get()
                    if self._unfinished_tasks > 0:
                        self._unfinished_tasks -= 1
                if self._unfinished_tasks == 0:
                    self._finished.set()
            for waiting in (self._getters, self._putters):
                while waiting:
                    turn = waiting.popleft()
                    if not turn.done():
                        turn.set_result(None)

        async def take_turn(self, waiting, goes_on):
            turn = self._get_loop().create_future()
            waiting.append(turn)
            try:
                await turn
            except BaseException:
                turn.cancel()
                if turn in waiting:
                    waiting.remove(turn)
                if goes_on() and not turn.cancelled():
                    self._wakeup_next(waiting)
                raise

        async def put(self, item):
            while self.full():
                if self.shut_down:
                    raise QueueShutDown
                await self.take_turn(self._putters, lambda: not self.full())
            return self.put_nowait(item)

        def put_nowait(self, item):
            if self.shut_down:
                raise QueueShutDown
            super().put_nowait(item)

        async def get(self):
            while self.empty():
                if self.shut_down:
                    raise QueueShutDown
                await self.take_turn(self._getters, lambda: not self.empty())
            return self.get_nowait()

        def get_nowait(self):
            if self.empty() and self.shut_down:
                raise QueueShutDown
            return super().get_nowait()

    class Queue(ShutDown, asyncio.Queue):
        pass

    class LifoQueue(ShutDown, asyncio.LifoQueue):
        pass

    class PriorityQueue(ShutDown, asyncio.PriorityQueue):
        pass


async def wait_for(awaitable, limit):
    if limit is not None and limit <= 0:
        return await asyncio.wait_for(awaitable, limit)
    async with asyncio.timeout(limit):  # since 3.12
        return await awaitable


def create_eager_task(loop, coroutine):
    if sys.version_info >= (3, 12):
        return Task(coroutine, loop=loop, eager_start=True)
    task = loop.create_task(coroutine)
    first_step = loop._ready.pop()
    creator = asyncio.current_task()
    if creator is not None:
        asyncio.tasks._leave_task(loop, creator)
    first_step._run()
    if creator is not None:
        asyncio.tasks._enter_task(loop, creator)
    return task


def gather(parts, keep):
    if sys.version_info >= (3, 12) or not any(part.done() for part in parts):
        return asyncio.gather(*parts, return_exceptions=keep)
    # Since 3.12 a part that is done counts at once.
    outer = asyncio.tasks._GatheringFuture(parts, loop=asyncio.get_running_loop())
    distinct = dict.fromkeys(parts)
    left = len(distinct)

    def outcome(part):
        return CancelledError() if part.cancelled() else part.exception() or part.result()

    def on_done(part):
        nonlocal left
        left -= 1
        if outer.done():
            return
        if not keep and part.cancelled():
            outer.set_exception(part._make_cancelled_error())
        elif not keep and part.exception():
            outer.set_exception(part.exception())
        elif left == 0 and outer._cancel_requested:
            outer.set_exception(part._make_cancelled_error() if part.cancelled() else CancelledError())
        elif left == 0:
            outer.set_result([outcome(part) for part in parts])

    pending = [part for part in distinct if not part.done()]
    for part in pending:
        part.add_done_callback(on_done)
    for part in distinct:
        if part not in pending:
            on_done(part)
    return outer


# The interpreter


class Raised(Exception):
    pass


def described(outcome):
    match outcome:
        case None:
            return ""
        case CancelledError():
            return "cancelled" + "".join(f" {text}" for text in outcome.args if text)
        case QueueShutDown():
            return "shut down"
        case TimeoutError():
            return "timeout"
        case BaseExceptionGroup():
            return "group(" + ", ".join(map(described, outcome.exceptions)) + ")"
        case Raised():
            return str(outcome)
        case RuntimeError() | ValueError() | asyncio.InvalidStateError():
            return "misuse"
        case BaseException():
            raise SystemExit(f"the interpreter is wrong: {outcome!r}") from outcome
        case list():
            return "[" + ", ".join("cancelled" if isinstance(e, CancelledError) else described(e) for e in outcome) + "]"
        case _:
            return str(outcome)


def limit(seconds):
    return None if seconds < 0 else seconds


class Program:
    def __init__(self, loop):
        self.loop = loop
        self.trace = []
        self.ended = False
        self.slots = {}
        self.handles = {}
        self.limits = {}
        self.groups = {}
        self.locks = [asyncio.Lock() for _ in range(LOCKS)]
        self.semaphore = asyncio.BoundedSemaphore(2)
        self.condition = Condition()
        self.count = 0
        self.queues = [Queue(1), LifoQueue(), PriorityQueue(2)]
        self.busy = set()
        self.events = [asyncio.Event() for _ in range(EVENTS)]

    def log(self, actor, text):
        if not self.ended:
            self.trace.append(f"{int(self.loop.time())} {actor} {text}".rstrip())

    def on_exception(self, loop, context):
        if context["message"].startswith("Exception in callback"):
            self.log("loop", "callback " + described(context["exception"]))

    async def root(self, body):
        for number in FUTURES:
            self.slots[number] = self.loop.create_future()
        main = self.slots[0] = self.loop.create_task(self.task(0, body))
        await asyncio.wait([main], timeout=1000)
        if alive := self.alive():
            await asyncio.wait(alive, timeout=1000)
        rounds = 0
        while rounds < ROUNDS and (alive := self.alive()):
            rounds += 1
            self.log("root", f"cancels {len(alive)}")
            for task in alive:
                task.cancel()
            await asyncio.wait(alive, timeout=1000)
        for number in sorted(self.slots):
            self.log("root", f"{number} {self.state(number)}")
        self.ended = True

    def alive(self):
        tasks = (self.slots[number] for number in sorted(self.slots))
        return [task for task in tasks if isinstance(task, Task) and not task.done()]

    async def task(self, number, body):
        self.log(number, "starts")
        await self.run(number, body)
        return number

    def callback(self, number, body):
        def run(*_):
            actor = f"c{number}"
            self.log(actor, "is called")
            for op, *args in body:
                self.step(actor, op, lambda: self.now(op, args))

        return run

    def step(self, actor, op, action):
        try:
            result = action()
        except BaseException as e:
            self.log(actor, f"{op} ! {described(e)}")
            raise
        self.log(actor, f"{op} {described(result)}")

    async def run(self, actor, body):
        for op, *args in body:
            try:
                result = await self.later(actor, op, args)
            except GeneratorExit:
                raise  # the interpreter has failed
            except BaseException as e:
                self.log(actor, f"{op} ! {described(e)}")
                raise
            self.log(actor, f"{op} {described(result)}")

    def state(self, number):
        future = self.slots.get(number)
        if future is None:
            return "absent"
        if not future.done():
            text = "pending"
        elif future.cancelled():
            text = "cancelled"
        elif isinstance(future.exception(), CancelledError):
            text = "cancelled"  # a gather that was cancelled is cancelled here, and has failed in asyncio
        elif future.exception() is not None:
            text = described(future.exception())
        else:
            text = "result " + described(future.result())
        return f"{text}, {future.cancelling()}" if isinstance(future, Task) else text

    def present(self, numbers):
        return [self.slots[number] for number in numbers if number in self.slots]

    def numbers(self, futures):
        return "[" + ", ".join(str(n) for n in sorted(self.slots) if self.slots[n] in futures) + "]"

    async def alone(self, place, action):
        """Does something in which others could overtake asyncio's waiters: so there are none."""
        if place in self.busy:
            return "busy"
        self.busy.add(place)
        try:
            return await action()
        finally:
            self.busy.remove(place)

    async def later(self, actor, op, args):
        match op, args:
            case "sleep", [seconds]:
                await asyncio.sleep(seconds)
            case "await", [number]:
                return "absent" if number not in self.slots else await self.slots[number]
            case "wait", [numbers, when, seconds]:
                if not (futures := self.present(numbers)):
                    return "absent"
                when = [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED][when]
                done, pending = await asyncio.wait(futures, timeout=limit(seconds), return_when=when)
                return self.numbers(done) + " " + self.numbers(pending)
            case "completed", [numbers, seconds]:
                pending = [future for future in self.present(numbers) if not future.done()]  # the others come in any order
                for each in asyncio.as_completed(pending, timeout=limit(seconds)):
                    try:
                        self.log(actor, f"next {described(await each)}")
                    except Raised as e:
                        self.log(actor, f"next ! {described(e)}")
            case "waitfor", [number, seconds]:
                return "absent" if number not in self.slots else await wait_for(self.slots[number], limit(seconds))
            case "waitforbody", [seconds, body]:
                await wait_for(self.run(actor, body), limit(seconds))
            case "within", [number, seconds, body]:
                async with asyncio.timeout(limit(seconds)) as each:
                    self.limits[number] = each
                    await self.run(actor, body)
                return "late" if each.expired() else ""
            case "withinat", [number, when, body]:
                async with asyncio.timeout_at(limit(when)) as each:
                    self.limits[number] = each
                    await self.run(actor, body)
                return "late" if each.expired() else ""
            case "group", [number, body]:
                if asyncio.current_task().cancelling():
                    return "absent"
                async with TaskGroup() as group:
                    self.groups[number] = group
                    await self.run(actor, body)
            case "lock", [number, body]:
                async with self.locks[number]:
                    self.log(actor, "has the lock")
                    await self.run(actor, body)
            case "semaphore", [body]:
                async with self.semaphore:
                    self.log(actor, "has a permit")
                    await self.run(actor, body)
            case "waitevent", [number]:
                await self.events[number].wait()
            case "condition", [body]:
                async with self.condition:
                    self.log(actor, "has the condition")
                    await self.run(actor, body)
            case "waitcondition", []:
                await self.condition.wait()
            case "until", [count]:
                await self.condition.wait_for(lambda: self.count >= count)
            case "put", [number, item]:
                return await self.alone((number, "put"), lambda: self.queues[number].put(item))
            case "get", [number]:
                return await self.alone((number, "get"), self.queues[number].get)
            case "join", [number]:
                await self.queues[number].join()
            case "try", [body, kind, handler, rethrow, last]:
                kinds = [CancelledError, Exception, BaseException]
                try:
                    try:
                        await self.run(actor, body)
                    except kinds[kind] as e:
                        self.log(actor, f"catches {described(e)}")
                        await self.run(actor, handler)
                        if rethrow:
                            raise
                finally:
                    await self.run(actor, last)
            case _:
                return self.now(op, args)

    def now(self, op, args):
        match op, args:
            case "spawn", [number, body]:
                self.slots[number] = self.loop.create_task(self.task(number, body))
            case "eager", [number, body]:
                self.slots[number] = create_eager_task(self.loop, self.task(number, body))
            case "spawnin", [group, number, body]:
                if group not in self.groups:
                    return "absent"
                coroutine = self.task(number, body)
                try:
                    self.slots[number] = self.groups[group].create_task(coroutine)
                finally:
                    if number not in self.slots:
                        coroutine.close()
            case "gather", [number, numbers, keep]:
                self.slots[number] = gather(self.present(numbers), keep == 1)
            case "shield", [number, inner]:
                if inner not in self.slots:
                    return "absent"
                self.slots[number] = asyncio.shield(self.slots[inner])
            case "cancel", [number, message]:
                if number not in self.slots:
                    return "absent"
                return str(self.slots[number].cancel(f"m{message}" if message else None)).lower()
            case "uncancel", [number]:
                return "absent" if number not in self.slots else self.slots[number].uncancel()
            case "look", [number]:
                return self.state(number)
            case "set", [number, value]:
                return "absent" if number not in self.slots else self.slots[number].set_result(value)
            case "fail", [number, error]:
                return "absent" if number not in self.slots else self.slots[number].set_exception(Raised(f"E{error}"))
            case "raise", [error]:
                raise Raised(f"E{error}")
            case "giveup", []:
                raise CancelledError
            case "tasks", []:
                return len(asyncio.all_tasks())
            case "cancelgroup", [number]:
                return "absent" if number not in self.groups else self.groups[number].cancel()
            case "reschedule", [number, seconds]:
                if number not in self.limits:
                    return "absent"
                self.limits[number].reschedule(None if seconds < 0 else self.loop.time() + seconds)
            case "setevent", [number]:
                self.events[number].set()
            case "clearevent", [number]:
                self.events[number].clear()
            case "setvariable", [value]:
                VARIABLE.set(value)
            case "variable", []:
                return VARIABLE.get()
            case "unlock", [number]:
                self.locks[number].release()
            case "release", []:
                self.semaphore.release()
            case "notify", [count]:
                self.condition.notify(count)
            case "count", []:
                self.count += 1
            case "tryput", [number, item]:
                if (number, "put") in self.busy:
                    return "no"
                try:
                    self.queues[number].put_nowait(item)
                except asyncio.QueueFull:
                    return "no"
            case "tryget", [number]:
                if (number, "get") in self.busy:
                    return "no"
                try:
                    return self.queues[number].get_nowait()
                except asyncio.QueueEmpty:
                    return "no"
            case "taskdone", [number]:
                self.queues[number].task_done()
            case "shutdown", [number, immediate]:
                self.queues[number].shutdown(immediate == 1)
            case "queue", [number]:
                return self.queues[number].qsize()
            case "soon", [number, body]:
                self.handles[number] = self.loop.call_soon(self.callback(number, body)).cancel
            case "later", [number, seconds, body]:
                self.handles[number] = self.loop.call_later(seconds, self.callback(number, body)).cancel
            case "whendone", [number, future, body]:
                if future not in self.slots:
                    return "absent"
                callback = self.callback(number, body)
                self.slots[future].add_done_callback(callback)
                self.handles[number] = lambda: self.slots[future].remove_done_callback(callback)
            case "drop", [number]:
                return "absent" if number not in self.handles else self.handles[number]()
            case _:
                raise SystemExit(f"no such statement: {op} {args}")


def trace_of(body):
    VARIABLE.set("unset")
    loop = VirtualLoop()
    program = Program(loop)
    loop.set_exception_handler(program.on_exception)
    try:
        loop.run_until_complete(program.root(body))
    finally:
        loop.close()
    return program.trace


def main():
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda *_: None  # of what callbacks start after the end
    for line in sys.stdin:
        print(json.dumps(trace_of(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
