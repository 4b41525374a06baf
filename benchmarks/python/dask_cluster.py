"""Calls on two workers of Dask on loopback with TLS, beside ClusterProgram: name<TAB>value<TAB>unit.

Needs Debian's python3-distributed and python3-cryptography.
"""

import statistics
import time

from distributed import Client, LocalCluster
from distributed.security import Security

TURNS = 5
BIG = bytes(16 << 20)


def small(value):
    return value


def burn(_):
    end = time.thread_time_ns() + 10_000_000
    while time.thread_time_ns() < end:
        pass


def median(name, times, operation):
    operation()
    figures = []
    for _ in range(TURNS):
        start = time.perf_counter_ns()
        operation()
        figures.append((time.perf_counter_ns() - start) / times)
    print(f"{name}, Dask, clock\t{statistics.median(figures):.6g}\tns", flush=True)


def main():
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        protocol="tls",
        security=Security.temporary(),
        dashboard_address=None,
    ) as cluster, Client(cluster) as client:
        executor = client.get_executor(pure=False)
        numbers = iter(range(10**9))

        def round_trips():
            for _ in range(50):
                executor.submit(small, next(numbers)).result()

        def pipelined():
            for each in [executor.submit(small, next(numbers)) for _ in range(1000)]:
                each.result()

        def bulk():
            executor.submit(small, BIG).result()

        def burning():
            for each in [executor.submit(burn, next(numbers)) for _ in range(60)]:
                each.result()

        median("cluster, round trip", 50, round_trips)
        median("cluster, pipelined small calls", 1000, pipelined)
        median("cluster, 16 MB there and back", 1, bulk)
        median("cluster, calls of 10 ms", 60, burning)


if __name__ == "__main__":
    main()
