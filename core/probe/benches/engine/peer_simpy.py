"""The same workloads in SimPy: a process for each request, a resource for each station.

Arguments: the workload's numbers, as JSON. Prints million logical events a second, and simulated seconds in one, of the best
round.
"""

import json
import random
import sys
import time

import simpy

given = json.loads(sys.argv[1])
draws = random.Random(1)
env = simpy.Environment()
events = 0


def exponential(mean_ms):
    return draws.expovariate(1.0) * mean_ms / 1e3


def serve(station, seconds):
    with station.request() as server:
        yield server
        yield env.timeout(seconds)


def request_a(station):
    global events
    yield from serve(station, exponential(given["demand_ms"][0]))
    events += given["events"][0]


def request_b(stations, app):
    global events
    balancer, apps, cache, replicas = stations
    balancer_ms, app_ms, cache_ms, query_ms = given["demand_ms"]
    yield from serve(balancer, exponential(balancer_ms))
    slice_s = exponential(app_ms) / given["slices"]
    yield from serve(apps[app], slice_s)
    yield from serve(cache, exponential(cache_ms))
    if draws.random() < given["hits"]:
        yield from serve(apps[app], slice_s * (given["slices"] - 1))
        events += given["events"][0]
        return
    yield from serve(apps[app], slice_s)
    yield from serve(draws.choice(replicas), exponential(query_ms))
    yield from serve(apps[app], slice_s)
    yield from serve(cache, exponential(cache_ms))
    yield from serve(apps[app], slice_s)
    events += given["events"][1]


def users():
    if "hits" not in given:
        station = simpy.Resource(env)
        begin = lambda _: request_a(station)
    else:
        several = lambda count, servers: [simpy.Resource(env, servers) for _ in range(count)]
        stations = simpy.Resource(env), several(*given["apps"]), simpy.Resource(env), several(*given["replicas"])
        begin = lambda number: request_b(stations, number % given["apps"][0])
    number = 0
    while True:
        yield env.timeout(draws.expovariate(given["rate_per_s"]))
        env.process(begin(number))
        number += 1


env.process(users())
env.run(given["round_s"])
best = 0.0
for number in range(2, given["rounds"] + 2):
    before, begun = events, time.perf_counter()
    env.run(number * given["round_s"])
    best = max(best, (events - before) / (time.perf_counter() - begun) / 1e6)
    took = time.perf_counter() - begun
print(best, given["round_s"] / took, simpy.__version__)
