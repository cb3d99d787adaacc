#!/usr/bin/env python3
"""PyTorch's training step on a GPU, in the ways in which it is fastest: the whole step (forward, loss, backward, update) as
one CUDA graph, in both memory formats.

usage: peer_cuda.py [--models A,B] [--batch N] [--seconds S] [--precisions fp32,tf32,bf16]

fp32 is strict float32; tf32 is PyTorch's default: TF32 in convolutions, float32 in linear layers; bf16 is autocast to bfloat16.
Prints one line a
model, precision and format: microseconds of a step on data already on the device, median of blocks of 20 steps.
"""
import argparse
import statistics
import time

import torch
from torch import nn

from peer_step import build

MODELS = "MLP1,MLP3,AlexNet,Inception,InceptionNoBN,WRN"


def make_step(name, batch, form, bf16):
    torch.manual_seed(0)
    model = build(name).cuda().to(memory_format=form)
    images = torch.randn(batch, 3, 28, 28, device="cuda").contiguous(memory_format=form)
    labels = torch.randint(0, 10, (batch,), device="cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16, cache_enabled=False):
            loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return step


def graph_of(step):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


def measure(graph, seconds):
    times, end = [], time.perf_counter() + seconds
    for _ in range(10):
        graph.replay()
    torch.cuda.synchronize()
    while time.perf_counter() < end or len(times) < 5:
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        for _ in range(20):
            graph.replay()
        last.record()
        last.synchronize()
        times.append(first.elapsed_time(last) * 1000 / 20)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--precisions", default="fp32,tf32")
    args = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = False
    print(f"torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, {torch.cuda.get_device_name(0)}", flush=True)
    forms = {"channels_first": torch.contiguous_format, "channels_last": torch.channels_last}
    for name in args.models.split(","):
        for precision in args.precisions.split(","):
            torch.backends.cudnn.allow_tf32 = precision != "fp32"
            for word, form in list(forms.items())[:1 if name.startswith("MLP") else 2]:
                graph = graph_of(make_step(name, args.batch, form, precision == "bf16"))
                print(f"{name:13} {precision} {word:14} {measure(graph, args.seconds):9.1f} us", flush=True)
                del graph


if __name__ == "__main__":
    main()
