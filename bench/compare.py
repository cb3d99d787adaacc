#!/usr/bin/env python3
"""rethink and PyTorch in turn: training steps of every model on this machine, in these minutes, on as many threads.

Looks for PyTorch in the interpreters that RT_TORCH_PYTHON names (separated by colons), else in /usr/bin/python3, and
tries the ways in which it may be fastest: eager, channels_last, torch.compile, and a BLAS with threads of its own.
The best way of each model is kept in build/bench-modes.json, so that only the first run looks for it. Where there
is no PyTorch, it runs `rethink bench`. Every repetition stands between two probes of the machine's speed; those
beside a slow one are counted and left out.
"""
import argparse
import csv
import datetime
import json
import os
import select
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLEAN = 0.88  # of the best probe, as in src/bench/bench.h
MODELS = ("MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN")
COLUMNS = ("date,version,label,cpu,cores,isa,threads,batch_size,program,model,median_ms,least_ms,gflops,peak_gflops,"
           "share_of_peak,clean,disturbed,memory_mib,epoch_overhead,round_trip_ns,launches,moved_mib,share_of_memory,data")  # as src/cli/bench_history.c writes them
OLDER = [COLUMNS[:COLUMNS.index(first)] for first in (",launches", ",data")]  # what files begun before these go on with
TURNS = 3


# ---- the peer ----

class Peer:
    """A PyTorch process that waits to be told to measure."""

    def __init__(self, python, model, way, batch, patience_s):
        mode, threads, blas = way
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads),
                           OPENBLAS_NUM_THREADS=str(blas), BLIS_NUM_THREADS=str(blas))
        self.process = subprocess.Popen([python, os.path.join(ROOT, "bench", "peer_step.py"), model, mode, str(threads),
                                         str(batch)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.way, self.times, self.probes, self.memory = way, [], [], 0
        try:
            self.about = self.answer(patience_s)
        except RuntimeError:
            self.close()
            raise

    def answer(self, patience_s):
        if not select.select([self.process.stdout], [], [], patience_s)[0]:
            raise RuntimeError(f"no answer in {patience_s:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError((self.process.stderr.read().strip().splitlines() or ["it stopped"])[-1])
        return json.loads(line)

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        found = self.answer(600)
        self.times += found["times"]
        self.probes += found["probes"]
        self.memory = found["peak_memory_bytes"]
        return statistics.median(found["times"])

    def clean(self):
        """The times of clean steps (all where none is), and how many were clean and disturbed."""
        best = max(self.probes)
        clean = [t for t, p in zip(self.times, self.probes) if p > 0 and p >= CLEAN * best]
        return clean or self.times, len(clean), len(self.times) - len(clean)

    def close(self):
        self.process.kill()
        self.process.communicate()

    def label(self):
        mode, threads, blas = self.way
        return f"torch {self.about['torch']} {mode} {threads}/{blas}"


def pythons_with_torch():
    found = {}
    for python in (os.environ.get("RT_TORCH_PYTHON") or "/usr/bin/python3").split(":"):
        try:
            done = subprocess.run([python, "-c", "import torch; print(torch.__version__, torch.backends.mkl.is_available(),"
                                   " hasattr(torch, 'compile'))"], capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            version, mkl, compiles = done.stdout.split()
            found[python] = {"version": version, "mkl": mkl == "True", "compile": compiles == "True"}
    return found


def ways(torch, model, threads):
    """(mode, PyTorch's threads, the BLAS's threads): MKL shares PyTorch's threads, others have their own."""
    mlp = model.startswith("MLP")
    modes = ["eager"] + ["channels_last"] * (not mlp) + ["compile"] * torch["compile"]
    modes += ["compile_channels_last"] * (torch["compile"] and not mlp)
    teams = [(threads, threads)]
    if not torch["mkl"] and threads > 1:
        teams += [(threads, 1)] + [(1, threads)] * mlp
    return [(mode, *team) for mode in modes for team in teams]


def find_best(pythons, model, args):
    """The fastest peer, still running; None if none does. Says what it tried and what it had no time for."""
    store = os.path.join(ROOT, "build", "bench-modes.json")
    known = json.load(open(store, encoding="utf-8")) if os.path.exists(store) else {}
    key = f"{model} {args.batch} {args.threads} " + " ".join(f"{p} {t['version']}" for p, t in sorted(pythons.items()))
    if key in known and not args.search:
        python, way = known[key]
        return Peer(python, model, tuple(way), args.batch, 600)
    best, begin, left_out = None, time.monotonic(), []
    for python, torch in pythons.items():
        for way in ways(torch, model, args.threads):
            left = args.search_seconds - (time.monotonic() - begin)
            if left <= 0 and best:
                left_out.append(way[0])
                continue
            peer = None
            try:
                peer = Peer(python, model, way, args.batch, max(left, 60))
                peer.measure(2)
                least = min(peer.times)  # the median of a few steps says more of the machine's minute
            except RuntimeError as error:  # torch.compile needs a C++ compiler, and time
                say(f"  {model} {way[0]}: {str(error)[:100]}")
                left_out.append(way[0])
                if peer:
                    peer.close()
                continue
            say(f"  {model} {peer.label()}: {1e3 * least:.2f} ms")
            if best and best[0] <= least:
                peer.close()
                continue
            if best:
                best[1].close()
            best = least, peer, python
    if not best:
        return None
    _, peer, python = best
    peer.times, peer.probes = [], []
    if left_out:
        say(f"  {model}: not tried or failed: {', '.join(sorted(set(left_out)))} (--search-seconds gives more time)")
    else:
        known[key] = (python, peer.way)
        with open(store, "w", encoding="utf-8") as f:
            json.dump(known, f, indent=1)
    return peer


# ---- ours ----

def rethink(*arguments):
    done = subprocess.run([os.environ.get("RETHINK") or os.path.join(ROOT, "build", "rethink"), "bench", "--json",
                           *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


class Ours:
    """`rethink bench` of one model, turn by turn."""

    def __init__(self, model, args):
        self.model, self.args, self.found, self.epoch = model, args, [], None

    def arguments(self, seconds):
        return ["--models", self.model, "--batch", self.args.batch, "--threads", self.args.threads, "--seconds", seconds]

    def measure(self, seconds):
        self.report = rethink("--measure", "steps", *self.arguments(seconds))
        self.found.append(self.report["cases"][0]["steps"])

    def measure_epoch(self, seconds):
        report = rethink("--measure", "epoch", *self.arguments(seconds))
        self.epoch = report["cases"][0]["epoch"]

    def peak(self):
        return max(f["peak_flops"] for f in self.found)

    def clean(self):
        clean = [t for f in self.found if f["clean"] for t in f["all"]]
        return (clean or [t for f in self.found for t in f["all"]], sum(f["clean"] for f in self.found),
                sum(f["disturbed"] for f in self.found))

    def memory(self):
        return max(f["peak_memory_bytes"] for f in self.found)

    def round_trip(self):
        return statistics.mean(f["round_trip"] for f in self.found)


# ---- what comes of it ----

def say(text):
    print(text, file=sys.stderr, flush=True)


def revision():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip()


def row_of(program, model, times, clean, disturbed, memory, flops, peak, epoch=None, round_trip=None):
    median = statistics.median(times)
    return {"program": program, "model": model, "median_ms": 1e3 * median, "least_ms": 1e3 * min(times),
            "gflops": flops / median / 1e9, "peak_gflops": peak / 1e9, "share_of_peak": flops / median / peak,
            "clean": clean, "disturbed": disturbed, "memory_mib": memory / 2**20, "epoch_overhead": epoch,
            "round_trip_ns": round_trip}


def compare(model, pythons, args):
    """Rows of ours and, where there is one, of the peer; and the ops of the last turn."""
    say(f"{model} ...")
    peer = find_best(pythons, model, args) if pythons else None
    ours = Ours(model, args)
    for _ in range(TURNS):
        time.sleep(0.3)  # the other's threads go to sleep
        ours.measure(args.seconds / TURNS)
        if peer:
            peer.measure(args.seconds / TURNS)
    if args.epochs:
        ours.measure_epoch(args.seconds / 2)
    flops = ours.found[0]["flops"]
    rows = [row_of("rethink", model, *ours.clean(), ours.memory(), flops, ours.peak(),
                   ours.epoch["median"] if ours.epoch else None, 1e9 * ours.round_trip())]
    if peer:
        rows.append(row_of(peer.label(), model, *peer.clean(), peer.memory, flops, ours.peak()))
        peer.close()
    return {"rows": rows, "flops": flops, "ops": ours.found[-1]["ops"], "steps": ours.found[-1]["profiled_steps"],
            "report": ours.report}


def append_history(path, results, label):
    report = results[0]["report"]
    new = not os.path.exists(path) or not os.path.getsize(path)
    common = {"date": datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"), "version": report["version"],
              "label": label, "cpu": report["machine"]["cpu"].replace(",", " "), "cores": report["machine"]["cores"],
              "isa": report["isa"], "threads": report["threads"], "batch_size": report["batch_size"],
              "data": "shapes10"}  # the default: no --data is given, and the peer's images are of that shape
    columns = COLUMNS
    if not new:
        with open(path, encoding="utf-8") as f:
            columns = f.readline().rstrip("\n")
            if columns not in (COLUMNS, *OLDER):
                sys.exit(f"{path}:1: not the columns of a history of rethink bench; name another file")
    with open(path, "a", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns.split(","), lineterminator="\n", extrasaction="ignore")
        if new:
            writer.writeheader()
        for row in (row for result in results for row in result["rows"]):
            numbers = {k: f"{v:.4f}" if isinstance(v, float) else "" if v is None else v for k, v in row.items()}
            writer.writerow({**common, **numbers})


def table(results):
    """Lines of a Markdown table: steps."""
    lines = ["| | GFLOP a step | ms a step (least) | GFLOP/s | of the peak | PyTorch's best | ms (least) | time over PyTorch's "
             "| memory, MiB | PyTorch's | epoch adds | round trip, ns | clean + disturbed |",
             "| --- |" + " ---: |" * 4 + " --- |" + " ---: |" * 7]
    for result in results:
        ours, *others = result["rows"]
        cells = [ours["model"], f"{result['flops'] / 1e9:.2f}", f"{ours['median_ms']:.2f} ({ours['least_ms']:.2f})",
                 f"{ours['gflops']:.0f}", f"{ours['share_of_peak']:.2f}"]
        if others:
            peer = others[0]
            cells += [peer["program"], f"{peer['median_ms']:.2f} ({peer['least_ms']:.2f})",
                      f"**{ours['median_ms'] / peer['median_ms']:.2f}**", f"{ours['memory_mib']:.0f}", f"{peer['memory_mib']:.0f}"]
        else:
            cells += ["not installed", "", "", f"{ours['memory_mib']:.0f}", ""]
        cells.append("" if ours["epoch_overhead"] is None else f"{100 * ours['epoch_overhead']:.1f} %")
        cells.append(f"{ours['round_trip_ns']:.0f}")
        cells.append("; ".join(f"{r['clean']} + {r['disturbed']}" + (" (all disturbed)" if not r["clean"] else "")
                               for r in result["rows"]))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def ops_table(results):
    lines = ["| | op | stages | ms forward | ms backward | share | GFLOP/s forward | backward |",
             "| --- | --- |" + " ---: |" * 6]
    for result in results:
        whole = sum(op["forward_s"] + op["backward_s"] for op in result["ops"])
        name = result["rows"][0]["model"]
        for op in sorted(result["ops"], key=lambda op: -op["forward_s"] - op["backward_s"]):
            seconds = op["forward_s"] + op["backward_s"]
            if seconds < 0.01 * whole:
                continue
            rates = [f"{flops / s / 1e9:.0f}" if flops else "" for flops, s in
                     ((op["forward_flops"], op["forward_s"]), (op["backward_flops"], op["backward_s"]))]
            lines.append(f"| {name} | {op['op']} | {op['stages']} | {1e3 * op['forward_s'] / result['steps']:.2f} | "
                         f"{1e3 * op['backward_s'] / result['steps']:.2f} | {100 * seconds / whole:.0f} % | "
                         + " | ".join(rates) + " |")
            name = ""
    return lines


def compared_table(report, what, words):
    lines = [f"| | {words[0]} | {words[1]} | {words[2]} | clean + disturbed |", "| --- | ---: | ---: | ---: | ---: |"]
    for case in report["cases"]:
        alone, other = case["alone"]["median"], case[what]["median"]
        ratio = f"{alone / other:.2f}" if what == "threads" else f"{100 * (other / alone - 1):.1f} %"
        lines.append(f"| {case['name']} | {1e3 * alone:.2f} | {1e3 * other:.2f} | {ratio} | {case[what]['clean']} + "
                     f"{case[what]['disturbed']} |")
    return lines


def start_table(report):
    lines = ["| | s, median (least) | memory, MiB | clean + disturbed |", "| --- | ---: | ---: | ---: |"]
    for case in report["cases"]:
        start = case["start"]
        lines.append(f"| {case['name']} | {start['median']:.2f} ({start['least']:.2f}) | "
                     f"{start['peak_memory_bytes'] / 2**20:.0f} | {start['clean']} + {start['disturbed']} |")
    return lines


def size(count):
    return f"{count / 2**20:g} MiB" if count >= 2**20 else f"{count / 2**10:g} KiB"


def markdown(results, args):
    report = results[0]["report"]
    machine, peak = report["machine"], max(r["rows"][0]["peak_gflops"] for r in results)
    caches = ", ".join(f"L{i} {size(machine[f'l{i}_bytes'])}" for i in (1, 2, 3) if machine[f"l{i}_bytes"])
    lines = ["# Measured", "",
             f"Made by `bench/compare.py` on {report['date'][:10]} from rethink {report['version']} ({revision()}); not "
             "edited by hand.", "",
             f"{machine['cpu']}, {machine['cores']} cores, {caches}, {machine['os']}; {report['isa']}, "
             f"{report['threads']} threads, batch {report['batch_size']}. Multiply-add peak of all threads in the same "
             f"run: {peak:.0f} GFLOP/s.", "", "## Steps", "",
             "Medians of clean repetitions, taken in turn. GFLOP/s are direct equivalents: the operations of a direct "
             "convolution over the time, whatever the algorithm.", ""]
    lines += table(results) + ["", "## Time by op", ""] + ops_table(results)
    if args.all:
        common = ["--seconds", args.seconds, "--batch", args.batch, "--threads", args.threads]
        say("threads ...")
        lines += ["", "## Threads", ""] + compared_table(rethink("--measure", "threads", *common), "threads", (
            "ms on one thread", "ms on all", "times as fast"))
        say("side by side ...")
        lines += ["", "## One-thread runs on every core at once", ""]
        lines += compared_table(rethink("--measure", "side-by-side", *common), "side_by_side", (
            "ms alone", "ms beside each other", "slower by"))
    if args.data:
        say("start ...")
        lines += ["", "## Reading and corrupting the data", ""]
        lines += start_table(rethink("--measure", "start", "--data", args.data, "--seconds", args.seconds))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--seconds", type=float, default=6, help="for each program and model (6)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--search", action="store_true", help="look for PyTorch's best way anew")
    parser.add_argument("--search-seconds", type=float, default=25, help="to look for it, for each model (25)")
    parser.add_argument("--no-epochs", dest="epochs", action="store_false", help="leave out what an epoch adds")
    parser.add_argument("--all", action="store_true", help="with --markdown: threads and runs side by side too")
    parser.add_argument("--data", metavar="DIR", help="with --markdown: CIFAR-10, to time its reading and corruption")
    parser.add_argument("--history", metavar="FILE", help="append to this CSV file")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there")
    args = parser.parse_args()
    pythons = pythons_with_torch()
    say("".join(f"torch {t['version']} in {p}\n" for p, t in pythons.items()) or
        "No PyTorch in RT_TORCH_PYTHON or /usr/bin/python3: measuring rethink alone")
    results = [compare(model, pythons, args) for model in args.models.split(",")]
    print("\n".join(table(results)), flush=True)
    if args.history:
        append_history(args.history, results, revision())
    if args.markdown:
        lines = markdown(results, args)
        with open(args.markdown, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
