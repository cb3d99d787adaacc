#!/usr/bin/env python3
"""Train one of the networks in PyTorch with the protocol, data, batches and initial weights of `rethink train`.

usage: train.py MODEL --data DIR [--epochs N] [--seed S] [--labels P] [--threads N] [--log-every K] [--out FILE]

MODEL is MLP1, MLP3, AlexNet, Inception, InceptionNoBN or WRN; DIR holds CIFAR-10 in the binary layout; P is the
probability of a random label. Writes metrics.csv's columns (the test set at the end of each epoch) to FILE or
standard output, so that a run can be laid beside one of `rethink train` with the same seed. Needs PyTorch and numpy.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(oracle.MODELS))
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--labels", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--out", type=argparse.FileType("w"), default=sys.stdout)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    pixels, labels = read_images(args.data)
    labels = torch.from_numpy(corrupt(labels, args.labels, args.seed))
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    pixels, train_size = torch.from_numpy(pixels), 50000

    def images(index):
        return (pixels[index].float() / 255 - mean) / std

    def test_images(index):
        return images(slice(train_size + index.start, train_size + index.stop))

    torch.manual_seed(args.seed)
    model = oracle.model(args.model)
    rate = 0.1 if args.model.startswith("Inception") else 0.01
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    order = torch.Generator().manual_seed(args.seed)
    print("step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s", file=args.out)
    step, begin = 0, time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        torch.empty((), dtype=torch.int64).random_(generator=order)  # the loader's base seed
        indices = torch.randperm(train_size, generator=order)
        loss_sum, correct, seen, batches = 0.0, 0, 0, math.ceil(train_size / 128)
        for batch in range(batches):
            index = indices[batch * 128:(batch + 1) * 128]
            logits = model(images(index))
            loss = nn.functional.cross_entropy(logits, labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(index)
            correct += (logits.argmax(1) == labels[index]).sum().item()
            seen += len(index)
            last = batch == batches - 1
            if batch % args.log_every == 0 or last:
                test = evaluate(model, test_images, labels[train_size:]) if last else ("", "")
                print(f"{step},{epoch},{batch},{loss_sum / seen:.9g},{correct / seen:.9g},{test[0]},{test[1]},"
                      f"{rate:.9g},{time.perf_counter() - begin:.3f},{time.process_time():.3f}", file=args.out, flush=True)
                step += 1
        torch.randperm(train_size, generator=order)  # drawn when the loader is exhausted, and thrown away
        if args.model != "MLP1":
            rate *= 0.95
        elif epoch in (100, 200):
            rate *= 0.1
        for group in optimizer.param_groups:
            group["lr"] = rate


if __name__ == "__main__":
    main()
