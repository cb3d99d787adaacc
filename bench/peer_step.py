#!/usr/bin/env python3
"""PyTorch's training step, for bench/compare.py: the same networks, batch, loss and update as `rethink bench`.

usage: peer_step.py MODEL MODE THREADS BATCH

MODE is eager, channels_last, compile or compile_channels_last. Prints one JSON line when the network stands (and is
compiled), then one for each line SECONDS that it reads: the times of whole steps that began in so many seconds.
Each step stands between two probes, products of a size that takes about a millisecond; "probes" has the slower one's
speed for each step, in operations a second, or 0 where others had our cores.
"""
import json
import os
import resource
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BATCHES = 4  # in memory, one after the other
WAITED = 0.05  # as in src/bench/bench.h


def build(name):
    """The architecture: that of ../shared/peer where it is present, else that of the tests."""
    shared = os.environ.get("RT_SHARED") or os.path.join(os.path.dirname(os.path.dirname(HERE)), "shared")
    sys.path[:0] = [os.path.join(shared, "peer"), os.path.join(os.path.dirname(HERE), "tests", "parity")]
    try:
        import models
        return models.build(name)
    except ImportError:
        import oracle
        return oracle.model(name)


class Probe:
    """How fast products of matrices that stay in the cache are right now."""

    def __init__(self, torch):
        self.torch, self.size = torch, 64
        while self.size < 512 and self.seconds() < 5e-4:
            self.size *= 2

    def seconds(self):
        a = self.torch.full((self.size, self.size), 0.5)
        self.torch.mm(a, a)  # wakes the threads
        begin = time.perf_counter()
        self.torch.mm(a, a)
        return time.perf_counter() - begin

    def speed(self):
        return 2 * self.size**3 / min(self.seconds(), self.seconds())


class Step:
    def __init__(self, torch, name, mode, batch):
        torch.manual_seed(0)
        self.torch, self.serial = torch, 0
        self.model = build(name)
        self.images = torch.randn(BATCHES, batch, 3, 28, 28)
        self.labels = torch.randint(0, 10, (BATCHES, batch))
        self.images = list(self.images)
        if mode.endswith("channels_last"):
            self.model = self.model.to(memory_format=torch.channels_last)
            self.images = [x.to(memory_format=torch.channels_last) for x in self.images]
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.criterion = torch.nn.CrossEntropyLoss()
        self.run = torch.compile(self.model) if mode.startswith("compile") else self.model

    def __call__(self):
        i = self.serial % BATCHES
        self.serial += 1
        begin = time.perf_counter()
        loss = self.criterion(self.run(self.images[i]), self.labels[i])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        loss.item()
        return time.perf_counter() - begin


def waited():
    """Seconds that our threads have been ready to run while others had the cores."""
    seconds = 0
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as f:
                seconds += 1e-9 * int(f.read().split()[1])
        except (OSError, IndexError):
            pass
    return seconds


def measure(step, probe, threads, seconds):
    times, probes = [], []
    before, deadline = probe.speed(), time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(times) < 2:
        stood = waited()
        times.append(step())
        crowded = waited() - stood > WAITED * times[-1] * threads
        after = probe.speed()
        probes.append(0 if crowded else min(before, after))
        before = after
    return {"times": times, "probes": probes,
            "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main():
    name, mode, threads, batch = sys.argv[1:]
    import torch

    torch.set_num_threads(int(threads))
    step = Step(torch, name, mode, int(batch))
    begin = time.perf_counter()
    step()
    print(json.dumps({"torch": torch.__version__, "first_step_s": time.perf_counter() - begin}), flush=True)
    step()
    probe = Probe(torch)
    for line in sys.stdin:
        print(json.dumps(measure(step, probe, int(threads), float(line))), flush=True)


if __name__ == "__main__":
    main()
