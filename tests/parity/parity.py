#!/usr/bin/python3
"""Every op and every model against PyTorch: forward, all gradients, batch-norm state, training and evaluation.

usage: parity.py [--library librethink_probe.so] [--engine native,reference] [--ops conv,bn] [--models WRN]
                 [--batches 1,7,80,128] [--full] [--no-winograd] [-v]

The truth is PyTorch in double; the table also shows how far PyTorch's own float is from it. "Difference" is the
largest absolute difference over the largest absolute value of the tensor, for a model's gradients the Euclidean
norm of the difference over that of the tensor (one ReLU that rounding flips moves single values). Outputs are
poisoned with NaN and fenced with guard values; plans are dirtied with a batch of NaN first. Prints TAP.
Without --full, the reference engine leaves out what would take it many seconds.
"""
import argparse
import ctypes
import os
import pathlib
import sys

try:
    import numpy
    import torch
    import oracle
except ImportError as error:
    print(f"1..0 # SKIP {error}: Debian's python3-torch and python3-numpy are needed")
    sys.exit(0)

# name, what it guards, layers, input shape
OPS = [
    ("linear", "plain", "linear 10", (48, 1, 1)),
    ("linear", "flattens images; odd widths", "linear 17", (3, 5, 7)),
    ("linear", "after flatten", "flatten; linear 5", (4, 3, 2)),
    ("linear", "on a map that a convolution left", "conv 16 3 1 1 0; linear 10", (16, 3, 3)),
    ("linear", "one output, one input", "linear 1", (1, 1, 1)),
    ("linear", "MLP3's hidden layers", "linear 512; relu; linear 512; relu; linear 10", (512, 1, 1)),
    ("conv", "3x3, first layer's channels", "conv 16 3 1 1 0", (3, 28, 28)),
    ("conv", "3x3, channels of 16", "conv 32 3 1 1 0", (16, 14, 14)),
    ("conv", "3x3, odd map and channels", "conv 5 3 1 1 1", (7, 9, 11)),
    ("conv", "3x3 on 4x4 maps", "conv 48 3 1 1 0", (32, 4, 4)),
    ("conv", "3x3 on 7x7 maps, 240 channels", "conv 160 3 1 1 0", (240, 7, 7)),
    ("conv", "3x3 without padding", "conv 16 3 1 0 1", (16, 8, 8)),
    ("conv", "3x3 stride 2, even map", "conv 80 3 2 1 0", (80, 14, 14)),
    ("conv", "3x3 stride 2, odd map", "conv 24 3 2 1 0", (16, 7, 7)),
    ("conv", "stride leaves a remainder", "conv 8 3 2 0 1", (5, 10, 8)),
    ("conv", "stride 3, a kernel smaller than it", "conv 8 2 3 0 1", (16, 11, 11)),
    ("conv", "1x1", "conv 32 1 1 0 0", (96, 14, 14)),
    ("conv", "1x1, odd channels", "conv 13 1 1 0 1", (9, 5, 5)),
    ("conv", "1x1 stride 2 to 4x4", "conv 192 1 2 0 0", (96, 7, 7)),
    ("conv", "5x5 padding 1, AlexNet's first", "conv 64 5 1 1 1", (3, 28, 28)),
    ("conv", "5x5 padding 1, AlexNet's second", "conv 256 5 1 1 1", (64, 12, 12)),
    ("conv", "5x5 padding 2, kernel wider than the map", "conv 16 5 1 2 1", (16, 3, 3)),
    ("conv", "window as large as the map", "conv 16 4 1 0 1", (16, 4, 4)),
    ("conv", "maps of 1x1", "conv 16 3 1 1 1", (16, 1, 1)),
    ("conv", "one channel in, one out", "conv 1 3 1 1 1", (1, 6, 6)),
    ("conv", "long and thin", "conv 16 3 1 1 0", (16, 2, 29)),
    ("conv", "two in a row, not 16 channels between", "conv 17 3 1 1 0; conv 16 3 1 1 1", (3, 12, 12)),
    ("bn", "images", "bn 1e-5", (3, 8, 8)),
    ("bn", "eps 1e-3, channels of 16", "bn 1e-3", (32, 7, 7)),
    ("bn", "twice the same input", "bn 1e-5; bn 1e-5 @0; add @1 @2", (16, 5, 5)),
    ("bn", "with ReLU behind", "bn 1e-5; relu", (17, 6, 6)),
    ("bn", "convolution, norm, ReLU", "conv 32 3 1 1 0; bn 1e-3; relu", (16, 14, 14)),
    ("bn", "norm, ReLU, convolution", "bn 1e-5; relu; conv 48 3 1 1 0", (48, 14, 14)),
    ("bn", "norm, ReLU, 1x1 stride 2", "bn 1e-5; relu; conv 48 1 2 0 0", (16, 14, 14)),
    ("bn", "read by two", "conv 16 3 1 1 0; bn 1e-5; relu; conv 16 3 1 1 0; add @2 @4", (16, 7, 7)),
    ("bn", "norm without ReLU before a sum", "conv 16 3 1 1 0; bn 1e-5; add @2 @0", (16, 7, 7)),
    ("relu", "plain", "relu", (3, 5, 7)),
    ("relu", "after a bias", "conv 16 1 1 0 1; relu; conv 16 1 1 0 0", (16, 5, 5)),
    ("max_pool", "overlapping, AlexNet's", "max_pool 3 2 0", (64, 26, 26)),
    ("max_pool", "drops a column; 12 -> 10 -> 4 of AlexNet", "max_pool 3 2 0", (16, 10, 10)),
    ("max_pool", "padding, even map", "max_pool 3 2 1", (80, 14, 14)),
    ("max_pool", "padding, odd map and channels", "max_pool 3 2 1", (5, 7, 7)),
    ("max_pool", "equal values: the first wins", "relu; max_pool 3 2 1", (16, 14, 14)),
    ("max_pool", "not overlapping", "max_pool 2 2 0", (16, 9, 8)),
    ("max_pool", "stride 1", "max_pool 3 1 1", (17, 6, 6)),
    ("max_pool", "gaps between windows", "max_pool 2 3 0", (16, 9, 9)),
    ("avg_pool", "global", "avg_pool 1", (33, 7, 7)),
    ("avg_pool", "4 to 3: overlapping windows", "avg_pool 3", (16, 4, 4)),
    ("avg_pool", "not square", "avg_pool 3", (5, 7, 4)),
    ("avg_pool", "as large as its input", "avg_pool 4", (16, 4, 4)),
    ("avg_pool", "then flatten and linear", "avg_pool 3; flatten; linear 10", (32, 4, 4)),
    ("lrn", "AlexNet's", "lrn 5 1e-4 0.75 2", (64, 12, 12)),
    ("lrn", "large alpha, so that it shows", "lrn 5 1 0.75 2", (16, 4, 4)),
    ("lrn", "fewer channels than the window", "lrn 5 0.5 0.75 1", (2, 3, 3)),
    ("lrn", "one channel a window; another beta", "lrn 1 0.5 0.5 1", (7, 3, 3)),
    ("lrn", "odd channels", "lrn 3 0.5 1 1", (19, 3, 5)),
    ("lrn", "AlexNet's stage", "conv 16 5 1 1 1; relu; max_pool 3 2 0; lrn 5 1e-4 0.75 2", (3, 14, 14)),
    ("concat", "branches", "conv 16 1 1 0 0; conv 32 3 1 1 0 @0; concat @1 @2", (16, 7, 7)),
    ("concat", "odd channels", "conv 5 1 1 0 0; conv 3 3 1 1 0 @0; concat @1 @2; conv 4 1 1 0 0", (3, 6, 6)),
    ("concat", "Inception's module", "conv 32 1 1 0 0; bn 1e-3; relu; conv 48 3 1 1 0 @0; bn 1e-3; relu; "
     "concat @3 @6; conv 16 1 1 0 0", (64, 14, 14)),
    ("concat", "downsample, pool second", "conv 16 3 2 1 0; bn 1e-3; relu; max_pool 3 2 1 @0; concat @3 @4", (48, 14, 14)),
    ("concat", "of the input itself", "relu; concat @0 @1", (3, 5, 5)),
    ("add", "residual with identity", "bn 1e-5; relu; conv 16 3 1 1 0; bn 1e-5; relu; conv 16 3 1 1 0; add @0 @6", (16, 7, 7)),
    ("add", "residual with shortcut", "bn 1e-5; relu; conv 32 3 2 1 0; bn 1e-5; relu; conv 32 3 1 1 0; bn 1e-5 @0; relu; "
     "conv 32 1 2 0 0; add @9 @6", (16, 7, 7)),
    ("add", "a value to itself", "conv 4 1 1 0 0; add @1 @1; relu", (4, 3, 3)),
    ("add", "two sums in a row", "conv 16 3 1 1 0; add @1 @0; conv 16 3 1 1 0; add @3 @2; relu", (16, 5, 5)),
    ("flatten", "keeps the order channel, row, column", "conv 6 3 1 1 0; flatten; linear 3", (2, 3, 5)),
]

# of the reference engine in float, and of the native one: Winograd's transforms cost digits, also in what follows
BOUNDS = {
    "y": 2e-5, "dx": 5e-5, "dw": 5e-5, "db": 5e-5, "running_mean": 1e-5, "running_var": 1e-5,
    "loss": 1e-5, "gradient": 2e-3, "state": 2e-5,
}
REFERENCE_WORK_MAX = 4e8  # multiply-adds of a forward pass
GUARD = 64                # values before and behind


class Guarded:
    """An array of NaN between guard values."""

    def __init__(self, count, dtype):
        self.all = numpy.full(count + 2 * GUARD, 12345.678, dtype)
        self.values = self.all[GUARD:-GUARD]
        self.values[:] = numpy.nan

    def intact(self):
        fence = self.all.dtype.type(12345.678)
        return bool((self.all[:GUARD] == fence).all() and (self.all[-GUARD:] == fence).all())


class Probe:
    """A plan of the library."""

    def __init__(self, library, engine, network, shape, batch_max, training, input_gradient=False, winograd=True):
        self.lib = library
        message = ctypes.create_string_buffer(1024)
        dims = (ctypes.c_int * 3)(*shape) if shape else None
        flags = training | 2 * input_gradient | 4 * winograd
        self.handle = library.probe_open(engine.encode(), network.encode(), dims, batch_max, flags, ctypes.c_uint64(7),
                                         message, 1024)
        if not self.handle:
            raise RuntimeError(message.value.decode())
        self.handle = ctypes.c_void_p(self.handle)
        self.dtype = numpy.float32 if library.probe_real_size(self.handle) == 4 else numpy.float64
        self.outputs = library.probe_output_count(self.handle)
        self.tensors = {}
        name, role, count = ctypes.create_string_buffer(128), ctypes.c_int(), ctypes.c_int()
        while library.probe_tensor(self.handle, len(self.tensors), name, 128, ctypes.byref(role), ctypes.byref(count)):
            self.tensors[name.value.decode()] = (len(self.tensors), role.value, count.value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.probe_close(self.handle)

    def load(self, module):
        for key, value in module.state_dict().items():
            i, role, count = self.tensors[key]
            values = numpy.ascontiguousarray(value.numpy(), numpy.int64 if role == 6 else self.dtype)
            assert values.size == count
            self.lib.probe_import(self.handle, 0, i, values.ctypes.data_as(ctypes.c_void_p))

    def state(self, key, which=0):
        i, role, count = self.tensors[key]
        out = Guarded(count, numpy.float64 if role == 6 else self.dtype)
        self.lib.probe_export(self.handle, which, i, out.values.ctypes.data_as(ctypes.c_void_p))
        assert out.intact(), f"export of {key} wrote outside its array"
        return out.values.view(numpy.int64) if role == 6 else out.values

    def run(self, x, dy=None, input_gradient=False):
        """y and dx."""
        x, count = numpy.ascontiguousarray(x, self.dtype), len(x)
        y, dx = Guarded(count * self.outputs, self.dtype), Guarded(x.size, self.dtype)
        before = x.copy()
        pointer = ctypes.c_void_p
        if dy is not None:
            dy = numpy.ascontiguousarray(dy, self.dtype)
        self.lib.probe_run(self.handle, x.ctypes.data_as(pointer), count, y.values.ctypes.data_as(pointer),
                           dy.ctypes.data_as(pointer) if dy is not None else None,
                           dx.values.ctypes.data_as(pointer) if input_gradient else None)
        assert y.intact() and dx.intact(), "wrote outside y or dx"
        assert numpy.array_equal(x, before, equal_nan=True), "wrote into x"
        return y.values, dx.values

    def train(self, images, labels, serial=0, sgd=None):
        images = numpy.ascontiguousarray(images, self.dtype)
        loss, correct = ctypes.c_double(), ctypes.c_int()
        self.lib.probe_train(self.handle, images.ctypes.data_as(ctypes.c_void_p),
                             labels.ctypes.data_as(ctypes.c_void_p), len(labels), serial,
                             (ctypes.c_double * 3)(*sgd) if sgd else None, ctypes.byref(loss), ctypes.byref(correct))
        return loss.value / len(labels), correct.value

    def evaluate(self, images, labels):
        images = numpy.ascontiguousarray(images, self.dtype)
        loss, correct = ctypes.c_double(), ctypes.c_int()
        predictions = numpy.full(len(labels), 255, numpy.uint8)
        self.lib.probe_evaluate(self.handle, images.ctypes.data_as(ctypes.c_void_p),
                                labels.ctypes.data_as(ctypes.c_void_p), len(labels), ctypes.byref(loss),
                                ctypes.byref(correct), predictions.ctypes.data_as(ctypes.c_void_p))
        return loss.value / len(labels), correct.value, predictions


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

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {why}", flush=True)

    def case(self, engine, name, what, rows, problem=None):
        """rows: (quantity, bound's key, difference, PyTorch's own difference)."""
        worst, ok = ("nothing", 0.0, 1.0), problem is None and bool(rows)
        for quantity, kind, difference, own in rows:
            bound = BOUNDS[kind]
            if not difference <= bound:  # NaN too
                ok = False
                print(f"#   {quantity}: {difference:.2e}, bound {bound:.0e}, PyTorch's own float {own:.2e}")
            if not difference / bound <= worst[1] / worst[2]:
                worst = (quantity, difference, bound)
            row = self.table.setdefault((engine, name, kind), [0.0, 0.0])
            row[0] = difference if not difference <= row[0] else row[0]
            row[1] = max(row[1], own)
        self.line(ok, f"{engine} {name}: {what}: " + (problem or f"{worst[0]} {worst[1]:.1e} of {worst[2]:.0e}"))

    def end(self):
        print(f"# {'engine':14s} {'op or model':14s} {'quantity':14s} {'largest':>10s} {'bound':>8s} {'torch float':>12s}")
        for (engine, name, kind), (difference, own) in self.table.items():
            print(f"# {engine:14s} {name:14s} {kind:14s} {difference:10.1e} {BOUNDS[kind]:8.0e} {own:12.1e}")
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def kind_of(key):
    return {"weight": "dw", "bias": "db"}.get(key.rsplit(".", 1)[-1], key.rsplit(".", 1)[-1])


def randomize(module):
    """Every tensor from fill(), scaled as networks have them; exact in float."""
    for i, (key, tensor) in enumerate(module.state_dict().items()):
        if tensor.dtype == torch.int64:
            continue
        values = oracle.fill(1000 + i, *tensor.shape)
        if tensor.dim() > 1:
            values = values / tensor[0].numel() ** 0.5
        elif key.endswith("running_var") or (key.endswith("weight")):
            values = 1 + values / 2
        tensor.copy_(values.float())


def torch_gradients(module, x, dy):
    """y, {name: gradient} with the input's as "x", of a module in x's precision."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    y = module(x)
    y.backward(dy.reshape(y.shape))
    found = {key: p.grad.numpy() for key, p in module.named_parameters()}
    return y.detach().numpy(), dict(found, x=x.grad.numpy())


def op_training(args, engine, name, text, shape, batch):
    x, exact = oracle.fill(1, batch, *shape).float().double(), oracle.Network(text, shape)
    with torch.no_grad():
        randomize(exact)
    single = oracle.Network(text, shape)
    single.load_state_dict(exact.state_dict())
    exact = exact.double()
    with Probe(args.lib, engine, text, shape, batch + 3, True, True, args.winograd) as probe:
        dy = oracle.fill(2, batch, probe.outputs)
        # a larger batch of NaN first: nothing of it may show
        probe.run(numpy.full((batch + 3, *shape), numpy.nan), numpy.full((batch + 3, probe.outputs), numpy.nan), True)
        probe.load(exact)
        y, dx = probe.run(x.numpy(), dy.numpy(), True)
        want_y, want = torch_gradients(exact, x, dy)
        own_y, own = torch_gradients(single, x.float(), dy.float())
        rows = [("y", "y", largest(y, want_y), largest(own_y, want_y)),
                ("dx", "dx", largest(dx, want["x"]), largest(own["x"], want["x"]))]
        for key, _ in exact.named_parameters():
            rows.append((f"gradient of {key}", kind_of(key), largest(probe.state(key, 2), want[key]), largest(own[key], want[key])))
        for key, value in exact.named_buffers():
            if value.dtype == torch.int64:
                assert probe.state(key)[0] == value.item() == 1, f"{key} is {probe.state(key)[0]}"
            else:
                rows.append((key, kind_of(key), largest(probe.state(key), value), largest(single.state_dict()[key], value)))
    return rows


def op_evaluation(args, engine, name, text, shape, batch):
    x, exact = oracle.fill(1, batch, *shape).float().double(), oracle.Network(text, shape)
    with torch.no_grad():
        randomize(exact)
        single = oracle.Network(text, shape).eval()
        single.load_state_dict(exact.state_dict())
        exact = exact.double().eval()
        with Probe(args.lib, engine, text, shape, batch + 3, False, False, args.winograd) as probe:
            probe.run(numpy.full((batch + 3, *shape), numpy.nan))
            probe.load(exact)
            y, _ = probe.run(x.numpy())
            want = exact(x)
            rows = [("y", "y", largest(y, want), largest(single(x.float()), want))]
            for key, value in exact.named_buffers():  # evaluation moves nothing
                assert numpy.array_equal(probe.state(key), value.numpy().astype(probe.state(key).dtype).ravel()), f"{key} moved"
    return rows


def too_slow(args, engine, work):
    return engine.startswith("reference") and not args.full and work > REFERENCE_WORK_MAX


def check_op(args, report, engine, row):
    name, edge, text, shape = row
    with Probe(args.lib, engine, text, shape, 1, False) as probe:
        work = args.lib.probe_multiply_adds(probe.handle)
    for batch in args.batches:
        if too_slow(args, engine, work * batch):
            continue
        for mode, check in (("training", op_training), ("evaluation", op_evaluation)):
            if mode == "training" and batch == 1 and shape[1:] == (1, 1) and "bn" in text:
                continue  # PyTorch refuses it, and so does rt_graph_check_batch
            rows, problem = [], None
            try:
                rows = check(args, engine, name, text, shape, batch)
            except (AssertionError, RuntimeError) as error:
                problem = str(error)
            if problem or args.verbose or not all(d <= BOUNDS[k] for _, k, d, _ in rows):
                report.case(engine, name, f"{edge} ({text} on {shape}), batch {batch}, {mode}", rows, problem)
            else:
                report.case(engine, name, f"{edge}, batch {batch}, {mode}", rows)


def images_and_labels(batch, seed):
    images = 2 * oracle.fill(seed, batch, 3, 28, 28).float()
    return images, numpy.random.RandomState(seed).randint(0, 10, batch).astype(numpy.uint8)


def model_pair(name):
    """The model in double and in float, equal weights from seed 42, running statistics off their start."""
    torch.manual_seed(42)
    single = oracle.model(name)
    with torch.no_grad():
        for i, (key, tensor) in enumerate(single.state_dict().items()):
            if "running" in key:
                tensor.copy_((oracle.fill(i, *tensor.shape) / 4 + ("var" in key)).float())
    exact = oracle.model(name).double()
    exact.load_state_dict(single.state_dict())
    return exact, single


def torch_loss(module, images, labels):
    module.zero_grad()
    logits = module(images)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels).long())
    if module.training:
        loss.backward()
    return loss.item(), logits.detach()


def model_training(args, engine, name, batch):
    images, labels = images_and_labels(batch, 3)
    exact, single = model_pair(name)
    with Probe(args.lib, engine, name, None, batch, True, False, args.winograd) as probe:
        probe.load(exact)
        loss, correct = probe.train(images.numpy(), labels)
        want, logits = torch_loss(exact, images.double(), labels)
        own, _ = torch_loss(single, images, labels)
        rows = [("loss", "loss", abs(loss - want) / want, abs(own - want) / want)]
        assert correct == int((logits.argmax(1).numpy() == labels).sum()), f"{correct} correct"
        mine = dict(single.named_parameters())
        for key, p in exact.named_parameters():
            rows.append((f"gradient of {key}", "gradient", euclidean(probe.state(key, 2), p.grad), euclidean(mine[key].grad, p.grad)))
        for key, value in exact.named_buffers():
            if value.dtype == torch.int64:
                assert probe.state(key)[0] == value.item() == 1, key
            else:
                rows.append((key, "state", largest(probe.state(key), value), largest(single.state_dict()[key], value)))
    return rows


def model_evaluation(args, engine, name, batch):
    images, labels = images_and_labels(batch, 4)
    exact, single = model_pair(name)
    with torch.no_grad():
        want, logits = torch_loss(exact.eval(), images.double(), labels)
        own, _ = torch_loss(single.eval(), images, labels)
    rows = []
    for training in (False, True):  # a training plan evaluates too
        with Probe(args.lib, engine, name, None, batch, training, False, args.winograd) as probe:
            probe.load(exact)
            loss, correct, predictions = probe.evaluate(images.numpy(), labels)
            rows.append(("loss", "loss", abs(loss - want) / want, abs(own - want) / want))
            top = logits.sort(1).values
            sure = ((top[:, -1] - top[:, -2]) > 1e-4).numpy()
            assert (predictions == logits.argmax(1).numpy())[sure].all(), "other predictions"
            assert correct == int((predictions == labels).sum()), "correct is not what the predictions say"
            for key, value in exact.named_buffers():
                assert numpy.array_equal(probe.state(key), value.numpy().astype(probe.state(key).dtype).ravel()), f"{key} moved"
    return rows


def model_steps(args, engine, name, batch, steps=10):
    """The losses of the first steps from one seed, with momentum and weight decay, beside PyTorch's in float."""
    rate = 0.1 if name == "Inception" else 0.01
    decay = 5e-4
    torch.manual_seed(42)
    single = oracle.model(name)
    exact = oracle.model(name).double()
    exact.load_state_dict(single.state_dict())
    optimizers = [torch.optim.SGD(m.parameters(), rate, 0.9, weight_decay=decay) for m in (single, exact)]
    ours, theirs, truth = [], [], []
    with Probe(args.lib, engine, name, None, batch, True, False, args.winograd) as probe:
        probe.lib.probe_initialize(probe.handle, 42)
        for step in range(steps):
            images, labels = images_and_labels(batch, 100 + step)
            ours.append(probe.train(images.numpy(), labels, step, (rate, 0.9, decay))[0])
            for module, optimizer, losses in ((single, optimizers[0], theirs), (exact, optimizers[1], truth)):
                losses.append(torch_loss(module, images.to(next(module.parameters()).dtype), labels)[0])
                optimizer.step()
        weights = max(euclidean(probe.state(key), p.detach()) for key, p in exact.named_parameters())
    relative = [abs(a - b) / abs(b) for a, b in zip(ours, theirs)]
    parted = next((i for i, r in enumerate(relative) if not r <= 1e-4), None)
    print(f"# {engine} {name} batch {batch}: losses of steps 1..{steps}, PyTorch's in float, relative difference "
          f"(and of PyTorch's float from its double)")
    for i in range(steps):
        print(f"#   {i + 1:2d} {ours[i]:.7f} {theirs[i]:.7f} {relative[i]:.1e} ({abs(theirs[i] - truth[i]) / abs(truth[i]):.1e})")
    print(f"#   weights after them, from PyTorch's double: {weights:.1e}; beyond 1e-4: "
          f"{'never' if parted is None else f'from step {parted + 1}'}", flush=True)
    problem = None if all(r <= 1e-4 for r in relative[:3]) else "a loss of the first three steps is beyond 1e-4"
    return [("losses of steps 1 to 3", "loss", max(relative[:3]) / 10, 0.0)], problem


def check_model(args, report, engine, name):
    with Probe(args.lib, engine, name, None, 1, False) as probe:
        work = args.lib.probe_multiply_adds(probe.handle)
    for batch in args.batches:
        if too_slow(args, engine, work * batch):
            continue
        for mode, check in (("training", model_training), ("evaluation", model_evaluation)):
            rows, problem = [], None
            try:
                rows = check(args, engine, name, batch)
            except (AssertionError, RuntimeError) as error:
                problem = str(error)
            report.case(engine, name, f"batch {batch}, {mode}", rows, problem)
    batch = 128 if args.full else 16 if not too_slow(args, engine, work * 16) else 2
    report.case(engine, name, f"ten steps from seed 42, batch {batch}", *model_steps(args, engine, name, batch))


def load_library(path):
    library = ctypes.CDLL(str(path))
    library.probe_open.restype = ctypes.c_void_p
    library.probe_multiply_adds.restype = ctypes.c_double
    return library


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.environ.get("RT_PROBE", here.parent.parent / "build/tests/parity/librethink_probe.so"))
    parser.add_argument("--engine", default="native,reference,reference_f64")
    parser.add_argument("--ops", help="names, or 'none'")
    parser.add_argument("--models", help="names, or 'none'")
    parser.add_argument("--batches", default="1,7,80,128")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--no-winograd", dest="winograd", action="store_false")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    args.batches = [int(b) for b in args.batches.split(",")]
    args.lib = load_library(args.library)
    # naming one of the two selects it alone
    ops = args.ops.split(",") if args.ops else [] if args.models else sorted({row[0] for row in OPS})
    models = args.models.split(",") if args.models else [] if args.ops else list(oracle.MODELS)
    report = Report(args.verbose)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    for engine in args.engine.split(","):
        if not args.lib.probe_has_engine(engine.encode()):
            report.skip(engine, "not built")
            continue
        for row in OPS:
            if row[0] in ops:
                check_op(args, report, engine, row)
        for name in oracle.MODELS:
            if name in models and engine != "reference_f64":
                check_model(args, report, engine, name)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
