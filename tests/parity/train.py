#!/usr/bin/env python3
"""Train one of the networks in PyTorch with the protocol, data, batches and initial weights of `rethink train`.

usage: train.py MODEL --data DIR [--epochs N] [--seeds S,S] [--labels P] [--train-size N] [--threads N] [--log-every K]
                [--device cpu|cuda] [--precision fp32|tf32] [--stop] [--jitter R [--jitter-seed S]] [--out FILE]

MODEL is MLP1, MLP3, AlexNet, Inception, InceptionNoBN or WRN; DIR holds CIFAR-10 in the binary layout; P is the
probability of a random label. Writes metrics.csv's columns (the test set at the end of each epoch), preceded by the
seed, to FILE or standard output, so that a run can be laid beside one of `rethink train` with the same seed. --stop
ends a run at the interpolation threshold. On a GPU a whole step is one CUDA graph, PyTorch's fastest way; tf32 is
PyTorch's default there: TF32 in convolutions, float32 in linear layers. --jitter multiplies each initial weight by a number
from 1 - R to 1 + R: with 6e-8, half a unit in the last place, two such runs show how far rounding alone takes a network's losses.
Needs PyTorch and numpy.
"""
import argparse
import math
import pathlib
import sys
import time

import numpy
import torch
from torch import nn

import oracle

MEAN, STD = (0.489255, 0.475775, 0.439889), (0.243047, 0.239315, 0.255997)


def read_images(folder):
    folder = folder / "cifar-10-batches-bin" if (folder / "cifar-10-batches-bin").is_dir() else folder
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    records = numpy.concatenate([numpy.fromfile(folder / n, numpy.uint8).reshape(-1, 3073) for n in names])
    pixels = records[:, 1:].reshape(-1, 3, 32, 32)[:, :, 2:30, 2:30]
    return numpy.ascontiguousarray(pixels), records[:, 0].astype(numpy.int64)


def corrupt(labels, probability, seed):
    if probability > 0:
        numpy.random.seed(seed)
        mask = numpy.random.rand(len(labels)) <= probability
        labels = labels.copy()
        labels[mask] = numpy.random.choice(10, mask.sum())
    return labels


class Trainer:
    """A network and its SGD with momentum; step() is one graph on a GPU."""

    def __init__(self, name, seed, batch_size, images, labels, device):
        torch.manual_seed(seed)
        self.model = oracle.model(name)
        self.model.to(device)
        if device == "cuda" and not name.startswith("MLP"):
            self.model.to(memory_format=torch.channels_last)
        self.parameters = list(self.model.parameters())
        self.velocities = [torch.zeros_like(p) for p in self.parameters]
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.rate = torch.zeros((), device=device)
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.index = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self.graph = self.capture() if device == "cuda" else None

    def state(self):
        return [*self.model.state_dict().values(), *self.velocities, self.loss_sum, self.correct]

    def capture(self):
        """The step on a full batch; what trying it out changes is put back."""
        before = [t.clone() for t in self.state()]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(4):
                self.compute(self.index)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.compute(self.index)
        with torch.no_grad():
            for tensor, value in zip(self.state(), before):
                tensor.copy_(value)
        return graph

    def compute(self, index):
        labels = self.labels[index]
        logits = self.model(self.images(index))
        loss = nn.functional.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            torch._foreach_mul_(self.velocities, 0.9)
            torch._foreach_add_(self.velocities, gradients)
            torch._foreach_sub_(self.parameters, torch._foreach_mul(self.velocities, self.rate))
            self.loss_sum += loss.double() * len(labels)
            self.correct += (logits.argmax(1) == labels).sum()

    def step(self, index):
        if self.graph and len(index) == self.batch_size:
            self.index.copy_(index)
            self.graph.replay()
        else:
            self.compute(index)


def jitter(parameters, size, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in parameters:
            p.mul_((1 + size * (2 * torch.rand(p.shape, generator=generator) - 1)).to(p.device))


def evaluate(model, images, labels):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(labels), 500):
            logits = model(images(slice(i, i + 500)))
            loss += nn.functional.cross_entropy(logits, labels[i:i + 500], reduction="sum").item()
            correct += (logits.argmax(1) == labels[i:i + 500]).sum().item()
    model.train()
    return loss / len(labels), correct / len(labels)


def train(args, seed, pixels, labels, device):
    labels = torch.from_numpy(corrupt(labels, args.labels, seed)).to(device)
    mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=device).view(1, 3, 1, 1)
    split = 50000

    def images(index):
        return (pixels[index].float() / 255 - mean) / std

    def test_images(index):
        return images(slice(split + index.start, split + index.stop))

    trainer = Trainer(args.model, seed, 128, images, labels, device)
    if args.jitter:
        jitter(trainer.parameters, args.jitter, args.jitter_seed)
    rate = 0.1 if args.model.startswith("Inception") else 0.01
    order = torch.Generator().manual_seed(seed)
    step, begin = 0, time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        torch.empty((), dtype=torch.int64).random_(generator=order)  # the loader's base seed
        indices = torch.randperm(args.train_size, generator=order).to(device)
        batches = math.ceil(args.train_size / 128)
        trainer.rate.fill_(rate)
        trainer.loss_sum.zero_()
        trainer.correct.zero_()
        for batch in range(batches):
            trainer.step(indices[batch * 128:(batch + 1) * 128])
            last = batch == batches - 1
            if batch % args.log_every == 0 or last:
                seen = min((batch + 1) * 128, args.train_size)
                loss, accuracy = trainer.loss_sum.item() / seen, trainer.correct.item() / seen
                test = evaluate(trainer.model, test_images, labels[split:]) if last else ("", "")
                print(f"{seed},{step},{epoch},{batch},{loss:.9g},{accuracy:.9g},{test[0]},{test[1]},"
                      f"{rate:.9g},{time.perf_counter() - begin:.3f},{time.process_time():.3f}", file=args.out, flush=True)
                step += 1
        torch.randperm(args.train_size, generator=order)  # drawn when the loader is exhausted, and thrown away
        if args.stop and (loss < 0.01 or accuracy > 0.997):
            break
        if args.model != "MLP1":
            rate *= 0.95
        elif epoch in (100, 200):
            rate *= 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=oracle.MODELS + oracle.PAPER)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--labels", type=float, default=0.0)
    parser.add_argument("--train-size", type=int, default=50000)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "tf32"), default="fp32")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--jitter", type=float, default=0, metavar="R")
    parser.add_argument("--jitter-seed", type=int, default=1, metavar="S")
    parser.add_argument("--out", type=argparse.FileType("w"), default=sys.stdout)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    pixels, labels = read_images(args.data)
    pixels = torch.from_numpy(pixels).to(args.device)
    print("seed,step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s", file=args.out)
    for seed in map(int, args.seeds.split(",")):
        train(args, seed, pixels, labels, args.device)


if __name__ == "__main__":
    main()
