#!/usr/bin/python3
"""Every op and every model against PyTorch: forward, all gradients, batch-norm state, training and evaluation.

usage: parity.py [--engine native,reference] [--ops conv,bn] [--models WRN] [--batches 1,7,80,128] [--full]
                 [--no-winograd] [--threads N] [--library librethink_probe.so] [-v]

The truth is PyTorch in double; the table also shows how far PyTorch's own float is from it. "Difference" is the
largest absolute difference over the largest absolute value of the tensor; for a model's gradients, the Euclidean
norm of the difference over that of the tensor. A ReLU or maximum that rounding flips moves a model's gradients by
percents in any float arithmetic (PyTorch's own too), so floats have wide bounds there, and the reference engine in
double a tight one. Outputs are poisoned with NaN and fenced; plans are dirtied with a batch of NaN first.
Naming ops or models leaves the others out. Without --full, the reference engines skip what takes them long.
"""
import argparse
import copy
import functools
import os
import pathlib
import sys
import types

try:
    import numpy
    import torch

    import engines
    import oracle
    from cases import OPS
except ImportError as error:
    print(f"1..0 # SKIP {error}: Debian's python3-torch and python3-numpy are needed")
    sys.exit(0)

# quantity: bounds of the reference engine in double (attributes such as eps are floats), in float, and of the
# others (Winograd's transforms cost about two digits)
BOUNDS = {
    "y": (1e-7, 1e-5, 5e-5), "dx": (1e-7, 1e-5, 1e-4), "weight": (1e-7, 1e-5, 1e-4), "bias": (1e-7, 1e-5, 1e-4),
    "running_mean": (1e-7, 1e-6, 5e-5), "running_var": (1e-7, 1e-6, 5e-5), "num_batches_tracked": (0, 0, 0),
    "loss": (1e-7, 1e-6, 1e-5), "correct": (0, 0, 0), "gradient": (1e-7, 5e-2, 5e-2),
    "median gradient": (1e-6, 2e-2, 2e-2), "state": (1e-7, 2e-6, 1e-4), "steps 1-3": (1e-7, 1e-4, 1e-4),
}
# without --full, the reference engines take small batches, and no more multiply-adds in a forward pass than this
BATCH_MAX, WORK_MAX = 7, {"reference": 1.5e9, "reference_f64": 4e8}


def bound_of(engine, quantity):
    return BOUNDS[quantity][{"reference_f64": 0, "reference": 1}.get(engine, 2)]


def largest(got, want):
    """Of the absolute differences, over the largest absolute value; NaN stays NaN."""
    got, want = numpy.asarray(got, numpy.float64).ravel(), numpy.asarray(want, numpy.float64).ravel()
    assert got.shape == want.shape
    return float(numpy.abs(got - want).max() / max(numpy.abs(want).max(), 1e-30))


def euclidean(got, want):
    got, want = numpy.asarray(got, numpy.float64).ravel(), numpy.asarray(want, numpy.float64).ravel()
    assert got.shape == want.shape
    return float(numpy.linalg.norm(got - want) / max(numpy.linalg.norm(want), 1e-30))


class Report:
    """TAP lines, and the table behind them."""

    def __init__(self, verbose):
        self.count, self.failed, self.verbose, self.table = 0, 0, verbose, {}

    def line(self, ok, what):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {what}", flush=True)

    def case(self, engine, name, what, rows, problem=None):
        """rows: (what, quantity, difference, PyTorch's own float's difference)."""
        worst, ok = ("nothing", 0.0, 1.0), problem is None and bool(rows)
        for which, quantity, difference, own in rows:
            bound = bound_of(engine, quantity)
            inside = difference <= bound  # NaN is not
            ok = ok and inside
            if self.verbose or not inside:
                print(f"#   {which}: {difference:.2e}, bound {bound:.0e}, PyTorch's own float {own:.2e}")
            if bound and not difference / bound <= worst[1] / worst[2]:
                worst = (which, difference, bound)
            row = self.table.setdefault((engine, name, quantity), [0.0, 0.0])
            row[0] = difference if not difference <= row[0] else row[0]
            row[1] = max(row[1], own)
        self.line(ok, f"{engine} {name}: {what}: " + (problem or f"{worst[0]} {worst[1]:.1e} of {worst[2]:.0e}"))

    def end(self):
        print(f"# {'engine':13s} {'op or model':13s} {'quantity':19s} {'largest':>9s} {'bound':>7s} torch float")
        for (engine, name, quantity), (difference, own) in sorted(self.table.items()):
            bound = bound_of(engine, quantity)
            print(f"# {engine:13s} {name:13s} {quantity:19s} {difference:9.1e} {bound:7.0e} {own:11.1e}")
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def state_of(module):
    return {key: value.numpy().copy() for key, value in module.named_buffers()}


def unmoved(probe, state):
    for key, value in state.items():
        got = probe.state(key)
        assert numpy.array_equal(got, value.ravel().astype(got.dtype)), f"{key} moved in evaluation"


# ops


def op_truth(text, shape, batch, training):
    """What a one-line network gives in double (want) and in float (own), and the module before that (start)."""
    start, found = oracle.Network(text, shape).eval(), []
    oracle.randomize(start)
    with torch.no_grad():
        exact = copy.deepcopy(start).double().train(training)
        exact.clear_of_ties(oracle.fill(1, batch, *shape))
        start.load_state_dict({key: exact.state_dict()[key] if key.endswith("bias") else value
                               for key, value in start.state_dict().items()})
        dy = oracle.fill(2, start(oracle.fill(1, batch, *shape).float()).numel())
    for dtype in (torch.float64, torch.float32):
        module = oracle.Network(text, shape).train(training)
        module.load_state_dict(start.state_dict())
        module, x = module.to(dtype), oracle.fill(1, batch, *shape).to(dtype)
        if not training:
            with torch.no_grad():
                found.append({"y": module(x).numpy()})
            continue
        y, values = oracle.gradients(module, x, dy.to(dtype))
        values["dx"] = values.pop("x")
        found.append(dict(values, y=y, **state_of(module)))
    return types.SimpleNamespace(start=start, x=oracle.fill(1, batch, *shape).numpy(), want=found[0], own=found[1],
                                 dy=dy.numpy() if training else None)


def op_rows(args, engine, text, shape, batch, training, truth):
    larger = batch + 3
    with engines.Probe(args.lib, engine, text, shape, larger, training, training, args.winograd, args.threads) as probe:
        nothing = numpy.full((larger, *shape), numpy.nan), numpy.full((larger, probe.outputs), numpy.nan)
        probe.run(nothing[0], nothing[1] if training else None, training)
        probe.load(truth.start)
        y, dx = probe.run(truth.x, truth.dy, training)
        got = {"y": y, "dx": dx}
        for key in truth.want:
            if key not in got:
                got[key] = probe.state(key, engines.GRADIENT if key.endswith(("weight", "bias")) else engines.TENSOR)
        if not training:
            unmoved(probe, state_of(truth.start))
    return [(key, key.rsplit(".", 1)[-1], largest(got[key], want), largest(truth.own[key], want))
            for key, want in truth.want.items()]


def check_op(args, report, row):
    name, edge, text, shape = row
    with engines.Probe(args.lib, "reference", text, shape, 1, False) as probe:
        work = args.lib.probe_multiply_adds(probe.handle)
    for batch in args.batches:
        for training in (True, False):
            truth = None
            for engine in args.engines:
                if too_slow(args, engine, batch, work):
                    continue
                truth = truth or op_truth(text, shape, batch, training)
                rows, problem = [], None
                try:
                    rows = op_rows(args, engine, text, shape, batch, training, truth)
                except (AssertionError, RuntimeError) as error:
                    problem = str(error)
                what = f"{edge} ({text}), batch {batch}, {'training' if training else 'evaluation'}"
                report.case(engine, name, what, rows, problem)


# models


def model_truth(name, batch, training):
    """The same for a model and its loss, from seed 42, with running statistics off their start."""
    torch.manual_seed(42)
    start, found = oracle.model(name), []
    with torch.no_grad():
        for i, (key, tensor) in enumerate(start.state_dict().items()):
            if "running" in key:
                tensor.copy_((oracle.fill(i, *tensor.shape) / 4 + ("var" in key)).float())
    images, labels = oracle.images_and_labels(batch, 3 if training else 5)
    for dtype in (torch.float64, torch.float32):
        module = oracle.model(name).train(training)
        module.load_state_dict(start.state_dict())
        with torch.set_grad_enabled(training):
            loss, logits = oracle.loss(module.to(dtype), images.to(dtype), labels)
        values = {"loss": loss}
        if training:
            values.update({key: p.grad.numpy() for key, p in module.named_parameters() if p.requires_grad},
                          **state_of(module))
        found.append(values)
        if dtype == torch.float64:
            top = logits.sort(1).values
            sure, classes = ((top[:, -1] - top[:, -2]) > 1e-4).numpy(), logits.argmax(1).numpy()
    return types.SimpleNamespace(start=start, images=images.numpy(), labels=labels, want=found[0], own=found[1],
                                 sure=sure, classes=classes)


def training_rows(args, engine, name, batch, truth):
    with engines.Probe(args.lib, engine, name, None, batch, True, False, args.winograd, args.threads) as probe:
        probe.load(truth.start)
        loss, correct = probe.train(truth.images, truth.labels)
        assert correct == (truth.classes == truth.labels).sum() or not truth.sure.all(), f"{correct} correct"
        want = truth.want["loss"]
        rows = [("loss", "loss", abs(loss / want - 1), abs(truth.own["loss"] / want - 1))]
        for key, want in truth.want.items():
            if key.endswith(("weight", "bias")):
                rows.append((f"gradient of {key}", "gradient", euclidean(probe.state(key, engines.GRADIENT), want),
                             euclidean(truth.own[key], want)))
            elif key != "loss":
                kind = "num_batches_tracked" if key.endswith("tracked") else "state"
                rows.append((key, kind, largest(probe.state(key), want), largest(truth.own[key], want)))
    medians = [float(numpy.median([row[i] for row in rows if row[1] == "gradient"])) for i in (2, 3)]
    return rows + [("median of the gradients", "median gradient", *medians)]


def evaluation_rows(args, engine, name, batch, truth):
    rows = []
    for training in (False, True):  # a training plan evaluates too
        with engines.Probe(args.lib, engine, name, None, batch, training, False, args.winograd, args.threads) as probe:
            probe.load(truth.start)
            loss, correct, predictions = probe.evaluate(truth.images, truth.labels)
            assert (predictions == truth.classes)[truth.sure].all(), "other predictions"
            assert correct == (predictions == truth.labels).sum(), "correct is not what the predictions say"
            unmoved(probe, state_of(truth.start))
        want = truth.want["loss"]
        rows.append(("loss", "loss", abs(loss / want - 1), abs(truth.own["loss"] / want - 1)))
    return rows


STEPS, DECAY = 10, 5e-4


def rate_of(name, batch):
    """The published rate; Inception's 0.1 is for its published batch."""
    return 0.1 if name.startswith("Inception") and batch == 128 else 0.01


@functools.lru_cache(None)
def steps_truth(name, batch):
    """The losses of ten steps from seed 42 in float and in double, and double's weights after them."""
    torch.manual_seed(42)
    single, exact = oracle.model(name), oracle.model(name).double()
    exact.load_state_dict(single.state_dict())
    losses, pairs = ([], []), []
    for module in (single, exact):
        pairs.append((module, torch.optim.SGD(module.parameters(), rate_of(name, batch), 0.9, weight_decay=DECAY)))
    for step in range(STEPS):
        images, labels = oracle.images_and_labels(batch, 100 + 2 * step)
        for (module, optimizer), kept in zip(pairs, losses):
            kept.append(oracle.loss(module, images.to(next(module.parameters()).dtype), labels)[0])
            optimizer.step()
    return losses[0], losses[1], {key: p.detach().numpy() for key, p in exact.named_parameters()}


def check_steps(args, report, engine, name, batch):
    theirs, truth, weights = steps_truth(name, batch)
    rate, ours = rate_of(name, batch), []
    if engine == "reference_f64":
        theirs = truth  # like against like
    with engines.Probe(args.lib, engine, name, None, batch, True, False, args.winograd, args.threads) as probe:
        probe.initialize(42)
        for step in range(STEPS):
            images, labels = oracle.images_and_labels(batch, 100 + 2 * step)
            ours.append(probe.train(images.numpy(), labels, step, (rate, 0.9, DECAY))[0])
        moved = max(euclidean(probe.state(key), w) for key, w in weights.items())
    apart = [abs(a / b - 1) for a, b in zip(ours, theirs)]
    own = [abs(a / b - 1) for a, b in zip(steps_truth(name, batch)[0], truth)]
    parted = next((i + 1 for i, r in enumerate(apart) if not r <= 1e-4), None)
    print(f"# {engine} {name}, batch {batch}, rate {rate}: step, loss, PyTorch's, relative difference (of PyTorch's "
          "float from its double)")
    for i in range(STEPS):
        print(f"#   {i + 1:2d} {ours[i]:.7f} {theirs[i]:.7f} {apart[i]:.1e} ({own[i]:.1e})")
    print(f"#   weights from PyTorch's double: {moved:.1e}; beyond 1e-4: "
          f"{f'from step {parted}' if parted else 'never'}", flush=True)
    # where PyTorch's own float has left its double, nobody else's can follow it
    rows = [(f"loss of step {i + 1}", "steps 1-3", apart[i], own[i]) for i in range(3) if i == 0 or own[i] <= 1e-5]
    report.case(engine, name, f"ten steps from seed 42, batch {batch}", rows)


def check_model(args, report, name):
    with engines.Probe(args.lib, "reference", name, None, 1, False) as probe:
        work = args.lib.probe_multiply_adds(probe.handle)
    for batch in args.batches:
        for training, check in ((True, training_rows), (False, evaluation_rows)):
            truth = None
            for engine in args.engines:
                if too_slow(args, engine, batch, work):
                    continue
                truth = truth or model_truth(name, batch, training)
                rows, problem = [], None
                try:
                    rows = check(args, engine, name, batch, truth)
                except (AssertionError, RuntimeError) as error:
                    problem = str(error)
                report.case(engine, name, f"batch {batch}, {'training' if training else 'evaluation'}", rows, problem)
    for engine in args.engines:
        batches = [b for b in (128, 16, 4, 2) if (args.full or b < 128) and not too_slow(args, engine, b, 2 * work)]
        check_steps(args, report, engine, name, (batches or [2])[0])


def check_oracle(report):
    """The models here against the shared ones (peer/models.py), where those are at hand."""
    shared = pathlib.Path(os.environ.get("RT_SHARED", pathlib.Path(__file__).parents[2] / "../shared"))
    if not (shared / "peer/models.py").exists():
        report.line(True, f"oracle # SKIP {shared}/peer/models.py is not there")
        return
    sys.path.insert(0, str(shared / "peer"))
    import models

    for name in oracle.MODELS:
        torch.manual_seed(42)
        peer = models.build(name).eval()
        torch.manual_seed(42)
        own = oracle.model(name).eval()
        images, state = oracle.images_and_labels(2, 1)[0], own.state_dict()
        same = state.keys() == peer.state_dict().keys() and all(
            torch.equal(state[key], value) for key, value in peer.state_dict().items())
        with torch.no_grad():
            report.line(same and torch.equal(own(images), peer(images)), f"oracle: {name} is the shared one")


def too_slow(args, engine, batch, work):
    return not args.full and engine in WORK_MAX and (batch > BATCH_MAX or work * batch > WORK_MAX[engine])


def main():
    built = pathlib.Path(__file__).resolve().parents[2] / "build/tests/parity/librethink_probe.so"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.environ.get("RT_PROBE", built))
    parser.add_argument("--engine", default="native,reference,reference_f64")
    parser.add_argument("--ops")
    parser.add_argument("--models")
    parser.add_argument("--batches", default="1,7,80,128")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--no-winograd", dest="winograd", action="store_false")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    args.batches = [int(b) for b in args.batches.split(",")]
    args.lib = engines.load_library(args.library)
    torch.set_num_threads(args.threads)
    report = Report(args.verbose)
    names = args.engine.split(",")
    args.engines = [name for name in names if args.lib.probe_has_engine(name.encode())]
    for name in sorted(set(names) - set(args.engines)):
        report.line(True, f"{name} # SKIP this engine is not built")
    if not (args.ops or args.models):
        check_oracle(report)
    for row in OPS:
        if row[0] in args.ops.split(",") if args.ops else not args.models:
            check_op(args, report, row)
    for name in oracle.MODELS + oracle.PAPER:
        if name in args.models.split(",") if args.models else not args.ops:
            check_model(args, report, name)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
