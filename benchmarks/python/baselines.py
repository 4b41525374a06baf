"""What CPython's asyncio and ProcessPoolExecutor cost, for the table of benchmarks/README.md.

Standard library only. Prints one line a measurement, `name<TAB>value<TAB>unit`. With arguments, only the measurements whose
names contain one of them.

Each figure is the best of several repetitions: what the machine can do when it is left alone, as on the other side.
"""

import asyncio
import concurrent.futures
import gc
import random
import resource
import sys
import time

REPETITIONS = 5


def best(measure):
    return min(measure() for _ in range(REPETITIONS))


def report(name, value, unit):
    print(f"{name}\t{value:.6g}\t{unit}", flush=True)


# asyncio


def switch(tasks=2, switches=200_000):
    async def spin(start, times):
        await start
        for _ in range(times):
            await asyncio.sleep(0)

    async def main():
        each = switches // tasks
        start = asyncio.get_running_loop().create_future()
        spinning = [asyncio.create_task(spin(start, each)) for _ in range(tasks)]
        await asyncio.sleep(0)
        begin = time.perf_counter()
        start.set_result(None)
        for task in spinning:
            await task
        return (time.perf_counter() - begin) / (each * tasks)

    return asyncio.run(main()) * 1e9


def create_and_await(times=50_000):
    async def nothing():
        return 1

    async def main():
        begin = time.perf_counter()
        for _ in range(times):
            await asyncio.create_task(nothing())
        return (time.perf_counter() - begin) / times

    return asyncio.run(main()) * 1e9


def many_at_once(times=300_000):
    async def nothing():
        return 1

    async def main():
        begin = time.perf_counter()
        tasks = [asyncio.create_task(nothing()) for _ in range(times)]
        for task in tasks:
            await task
        return (time.perf_counter() - begin) / times

    return asyncio.run(main()) * 1e9


def suspended(count=300_000):
    """Bytes and nanoseconds per coroutine that waits."""

    async def wait(future):
        await future

    async def main():
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        future = asyncio.get_running_loop().create_future()
        begin = time.perf_counter()
        tasks = [asyncio.create_task(wait(future)) for _ in range(count)]
        await asyncio.sleep(0)
        elapsed = time.perf_counter() - begin
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        future.set_result(None)
        await asyncio.gather(*tasks)
        return grown * 1024 / count, elapsed / count * 1e9

    return asyncio.run(main())


def timers(count):
    """Callbacks at random times, so dense that the loop never sleeps for long."""

    async def main():
        loop = asyncio.get_running_loop()
        all_fired = loop.create_future()
        chance = random.Random(42)
        fired = 0

        def fire():
            nonlocal fired
            fired += 1
            if fired == count:
                all_fired.set_result(None)

        begin = time.perf_counter()
        for _ in range(count):
            loop.call_later(chance.random() * count * 100e-9, fire)
        await all_fired
        return (time.perf_counter() - begin) / count

    return asyncio.run(main()) * 1e9


def executor_hop(times=5_000):
    async def main():
        loop = asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            await loop.run_in_executor(pool, int)
            begin = time.perf_counter()
            for _ in range(times):
                await loop.run_in_executor(pool, int)
            return (time.perf_counter() - begin) / times

    return asyncio.run(main()) * 1e9


def to_thread(times=5_000):
    async def main():
        await asyncio.to_thread(int)
        begin = time.perf_counter()
        for _ in range(times):
            await asyncio.to_thread(int)
        return (time.perf_counter() - begin) / times

    return asyncio.run(main()) * 1e9


# concurrent.futures


def increment(number):
    return number + 1


def echo(data):
    return data


def round_trip(times=3_000):
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        pool.submit(increment, 0).result()
        begin = time.perf_counter()
        for number in range(times):
            pool.submit(increment, number).result()
        return (time.perf_counter() - begin) / times * 1e6


def pipelined(calls=20_000):
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(increment, range(10)))
        begin = time.perf_counter()
        for future in [pool.submit(increment, number) for number in range(calls)]:
            future.result()
        return calls / (time.perf_counter() - begin)


def mapped(items=1_000_000):
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(increment, range(10)))
        begin = time.perf_counter()
        for _ in pool.map(increment, range(items), chunksize=1000):
            pass
        return items / (time.perf_counter() - begin)


def megabytes(size=64 << 20, times=5):
    data = bytes(size)
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        pool.submit(echo, b"").result()
        begin = time.perf_counter()
        for _ in range(times):
            pool.submit(echo, data).result()
        return 2 * size * times / (time.perf_counter() - begin) / 1e9


def first_result():
    begin = time.perf_counter()
    context = __import__("multiprocessing").get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(increment, 0).result()
        return (time.perf_counter() - begin) * 1e3


MEASUREMENTS = {
    # First: it looks at how the memory of a fresh process grows.
    "suspended": lambda name: (
        lambda bytes_each, nanos: (report(name + ", bytes", bytes_each, "B"), report(name + ", time", nanos, "ns"))
    )(*suspended()),
    "switch among 2": lambda name: report(name, best(switch), "ns"),
    "switch among 100": lambda name: report(name, best(lambda: switch(100)), "ns"),
    "switch among 10000": lambda name: report(name, best(lambda: switch(10_000)), "ns"),
    "switch among 1000000": lambda name: report(name, switch(1_000_000, 3_000_000), "ns"),
    "timers 1000": lambda name: report(name, best(lambda: timers(1_000)), "ns"),
    "timers 10000": lambda name: report(name, best(lambda: timers(10_000)), "ns"),
    "timers 100000": lambda name: report(name, best(lambda: timers(100_000)), "ns"),
    "timers 1000000": lambda name: report(name, timers(1_000_000), "ns"),
    "create and await": lambda name: report(name, best(create_and_await), "ns"),
    "300000 at once": lambda name: report(name, best(many_at_once), "ns"),
    "await a thread's call": lambda name: report(name, best(executor_hop), "ns"),
    "await a blocking call": lambda name: report(name, best(to_thread), "ns"),
    "round trip, blocked": lambda name: report(name, best(round_trip), "us"),
    "pipelined, 2 workers": lambda name: report(name, max(pipelined() for _ in range(3)), "calls/s"),
    "map of 1000000": lambda name: report(name, max(mapped() for _ in range(3)), "items/s"),
    "64 MB there and back": lambda name: report(name, max(megabytes() for _ in range(2)), "GB/s"),
    "start to first result": lambda name: report(name, best(first_result), "ms"),
}


def main(wanted):
    for name, measure in MEASUREMENTS.items():
        if not wanted or any(word in name for word in wanted):
            measure(name)


if __name__ == "__main__":
    main(sys.argv[1:])
