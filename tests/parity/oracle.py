"""PyTorch's side of the comparison: the five models, the one-line networks of tests/support/network.h, and
numbers that C and Python make alike."""
import numpy
import torch
from torch import nn
from torch.nn import functional

MODELS = ("MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN")
PAPER = ("InceptionPaper", "InceptionPaperNoBN", "AlexNetPaper")  # as the paper counts them; of our own


def fill(seed, *shape):
    """As rt_test_fill: 24-bit MT19937 draws, uniform in [-1, 1), exact in float."""
    draws = numpy.random.RandomState(seed).randint(0, 2**32, int(numpy.prod(shape)), dtype=numpy.uint32)
    return torch.from_numpy(((draws & 0xFFFFFF) * 2.0**-23 - 1).reshape(shape))


def images_and_labels(count, seed):
    """A batch for the models: float images in [-2, 2), labels 0..9 as bytes (rt_test_batch makes the same)."""
    labels = (5 * (fill(seed + 1, count).numpy() + 1)).astype(numpy.uint8)
    return 2 * fill(seed, count, 3, 28, 28).float(), labels


def randomize(module):
    """As rt_test_randomize: every tensor from fill(), scaled as networks have them; exact in float."""
    with torch.no_grad():
        for i, (key, tensor) in enumerate(module.state_dict().items()):
            if tensor.dtype == torch.int64:
                continue
            values = fill(1000 + i, *tensor.shape)
            if tensor.dim() > 1:
                values = values / tensor[0].numel() ** 0.5
            elif key.endswith(("weight", "running_var")):
                values = 1 + values / 2
            tensor.copy_(values.float())


def widest_gap(values, near=0.1):
    """The middle of the widest gap between those of `values` that are near zero."""
    edges = torch.tensor([-near, near], dtype=values.dtype)
    inside = torch.cat((edges, values[values.abs() < near])).sort().values
    widest = inside.diff().argmax()
    return (inside[widest] + inside[widest + 1]) / 2


def gradients(module, x, dy):
    """y, and {name: gradient of sum(y dy)} with the input's as "x"."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    y = module(x)
    y.backward(dy.reshape(y.shape))
    found = {key: p.grad.numpy() for key, p in module.named_parameters() if p.requires_grad}
    return y.detach().numpy(), dict(found, x=x.grad.numpy())


def loss(module, images, labels):
    """Mean loss and logits; in training mode also the gradients, in the parameters."""
    module.zero_grad()
    logits = module(images)
    value = functional.cross_entropy(logits, torch.from_numpy(labels).long())
    if module.training:
        value.backward()
    return value.item(), logits.detach()


class Model(nn.Module):
    """One of the five architectures: `way(x)` walks the data's way over modules registered in the seed's order."""

    def add(self, name, module):
        """Registers `module` under a dotted state-dict name and returns it."""
        at = self
        *path, last = name.split(".")
        for part in path:
            if part not in at._modules:
                at.add_module(part, nn.Module())
            at = at._modules[part]
        at.add_module(last, module)
        return module

    def forward(self, x):
        return self.way(x)

    # layers, each returning a function of x

    def add_linear(self, name, wide, out):
        return self.add(name, nn.Linear(wide, out))

    def add_conv(self, name, wide, out, kernel, stride=1, padding=0, bias=False):
        return self.add(name, nn.Conv2d(wide, out, kernel, stride, padding, bias=bias))

    def add_bn(self, name, wide, eps=1e-5, scaled=True):
        norm = self.add(name, nn.BatchNorm2d(wide, eps))
        norm.weight.requires_grad_(scaled)
        return norm


def chain(*steps):
    def way(x):
        for step in steps:
            x = step(x)
        return x

    return way


def mlp(depth, head):
    m = Model()
    steps = [lambda x: x.flatten(1)]
    for i in range(depth):
        steps += [m.add_linear(f"layer{i + 1}", 512 if i else 3 * 28 * 28, 512), torch.relu]
    m.way = chain(*steps, m.add_linear(head, 512, 10))
    return m


def alexnet():
    m = Model()
    pool, norm = nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75, 2)
    m.way = chain(
        m.add_conv("conv1.0", 3, 64, 5, 1, 1, True), torch.relu, pool, norm,
        m.add_conv("conv2.0", 64, 256, 5, 1, 1, True), torch.relu, pool, norm,
        nn.AdaptiveAvgPool2d(3), nn.Flatten(),
        m.add_linear("mlp.0", 2304, 384), torch.relu, m.add_linear("mlp.2", 384, 192), torch.relu,
        m.add_linear("head", 192, 10))
    return m


def alexnet_paper():
    """The paper's: 64 channels twice, same-size convolutions, pools 28 -> 14 -> 7."""
    m = Model()
    pool, norm = nn.MaxPool2d(3, 2, 1), nn.LocalResponseNorm(5, 1e-4, 0.75, 2)
    m.way = chain(
        m.add_conv("conv1", 3, 64, 5, 1, 2, True), torch.relu, pool, norm,
        m.add_conv("conv2", 64, 64, 5, 1, 2, True), torch.relu, pool, norm, nn.Flatten(),
        m.add_linear("fc1", 3136, 384), torch.relu, m.add_linear("fc2", 384, 192), torch.relu,
        m.add_linear("head", 192, 10))
    return m


def inception(batch_norm, paper=False):
    """`paper`: one offset a channel, the batch norm's or the convolution's bias, and no scale."""
    m = Model()

    def unit(name, wide, out, kernel, stride=1):
        conv = m.add_conv(name + ".conv", wide, out, kernel, stride, kernel // 2, paper and not batch_norm)
        return chain(conv, m.add_bn(name + ".bn", out, 1e-3, not paper), torch.relu) if batch_norm else chain(conv, torch.relu)

    def side_by_side(a, b):
        return lambda x: torch.cat((a(x), b(x)), 1)

    def module(i, wide, ones, threes):
        name = f"inception{i}.branch"
        return side_by_side(unit(name + "1", wide, ones, 1), unit(name + "3", wide, threes, 3))

    def downsample(i, wide, threes):
        return side_by_side(unit(f"downsample{i}.conv", wide, threes, 3, 2), nn.MaxPool2d(3, 2, 1))

    m.way = chain(
        unit("downsample0", 3, 96, 3), module(1, 96, 32, 32), module(2, 64, 32, 48), downsample(1, 80, 80),
        module(3, 160, 112, 48), module(4, 160, 96, 64), module(5, 160, 80, 80), module(6, 160, 48, 96),
        downsample(2, 144, 96), module(7, 240, 176, 160), module(8, 336, 176, 160),
        lambda x: x.mean((2, 3)), m.add_linear("head", 336, 10))
    return m


def wrn():
    m = Model()

    def pre(name, wide):
        return chain(m.add_bn(name, wide), torch.relu)

    def block(name, wide, out, stride):
        main = chain(pre(name + ".bn1", wide), m.add_conv(name + ".conv1", wide, out, 3, stride, 1),
                     pre(name + ".bn2", out), m.add_conv(name + ".conv2", out, out, 3, 1, 1))
        if stride == 1:
            return lambda x: x + main(x)
        short = chain(pre(name + ".shortcut.bn", wide), m.add_conv(name + ".shortcut.conv", wide, out, 1, stride))
        return lambda x: short(x) + main(x)

    steps, wide = [m.add_conv("conv1", 3, 16, 3, 1, 1)], 16
    for i, out in enumerate((48, 96, 192)):
        steps += [block(f"layer{i + 1}.0", wide, out, 2), block(f"layer{i + 1}.1", out, out, 1)]
        wide = out
    m.way = chain(*steps, pre("bn1", 192), lambda x: x.mean((2, 3)), m.add_linear("classifier", 192, 10))
    return m


def model(name):
    return {"MLP1": lambda: mlp(1, "classifier"), "MLP3": lambda: mlp(3, "head"), "AlexNet": alexnet,
            "Inception": lambda: inception(True), "InceptionNoBN": lambda: inception(False), "WRN": wrn,
            "InceptionPaper": lambda: inception(True, True), "InceptionPaperNoBN": lambda: inception(False, True),
            "AlexNetPaper": alexnet_paper}[name]()


class Network(nn.Module):
    """A one-line network of tests/support/network.h on images of shape (channels, height, width)."""

    def __init__(self, text, shape):
        super().__init__()
        self.steps = []
        shapes = [shape]
        for i, statement in enumerate(text.split(";"), 1):
            word, *rest = statement.split()
            inputs = [int(r[1:]) for r in rest if r[0] == "@"] or [i - 1]
            step = self.layer(word, [float(r) for r in rest if r[0] != "@"], shapes[inputs[0]])
            if isinstance(step, nn.Module):
                self.add_module(f"s{i}", step)
            self.steps.append((step, inputs))
            with torch.no_grad():  # batch norm in training cannot take one value a channel
                images = [torch.zeros(2, *shapes[j]) for j in inputs]
                shapes.append(tuple(step(*images).shape[1:]))
        for key, tensor in self.state_dict().items():  # undo what the shapes' pass did to running statistics
            if "running" in key or "batches" in key:
                tensor.fill_("var" in key)

    @staticmethod
    def layer(word, a, shape):
        ints = [int(v) for v in a]
        if word == "conv":
            return nn.Conv2d(shape[0], *ints[:4], bias=bool(ints[4]))
        if word == "linear":
            linear = nn.Linear(int(numpy.prod(shape)), ints[0])
            linear.register_forward_pre_hook(lambda m, x: (x[0].flatten(1),))
            return linear
        if word == "bn" and len(a) > 1:
            norm = nn.BatchNorm2d(shape[0], a[0])
            norm.weight.requires_grad_(not a[1])
            return norm
        if word == "bn":
            return nn.BatchNorm2d(shape[0], a[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0], a[0])
        return {
            "relu": lambda: torch.relu,
            "max_pool": lambda: lambda x: functional.max_pool2d(x, *ints),
            "avg_pool": lambda: lambda x: functional.adaptive_avg_pool2d(x, ints[0]),
            "lrn": lambda: lambda x: functional.local_response_norm(x, ints[0], a[1], a[2], a[3]),
            "concat": lambda: lambda x, y: torch.cat((x, y), 1),
            "add": lambda: lambda x, y: x + y,
            "flatten": lambda: lambda x: x.flatten(1),
        }[word]()

    def forward(self, x):
        values = [x]
        for step, inputs in self.steps:
            values.append(step(*(values[i] for i in inputs)))
        return values[-1]

    def clear_of_ties(self, x):
        """Moves the biases right before ReLUs a little, so that no input of these is near zero: there rounding,
        anybody's, turns a ReLU on or off, and moves gradients by far more than rounding."""
        values = [x]
        for i, (step, inputs) in enumerate(self.steps):
            before = self.steps[i - 1][0] if inputs == [i] and i else None
            bias = getattr(before, "bias", None)
            if step is torch.relu and bias is not None:
                shifts = torch.stack([widest_gap(channel) for channel in values[i].transpose(0, 1).flatten(1)])
                bias -= shifts
                values[i] = values[i] - shifts.reshape(-1, *[1] * (values[i].dim() - 2))
            values.append(step(*(values[j] for j in inputs)))
