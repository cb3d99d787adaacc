#!/usr/bin/python3
"""Writes tests/golden/*.txt from PyTorch: run after changing what they hold, and say in the commit which PyTorch."""
import pathlib

import torch

import oracle

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def initial_weights():
    """Of each drawn tensor, in the order of the draws, the values at 0, 1, 2 and the end; seed 42."""
    for name in oracle.MODELS:
        torch.manual_seed(42)
        for key, tensor in oracle.model(name).named_parameters():
            if "bn" in key:
                continue
            flat = tensor.detach().flatten()
            values = " ".join(f"{flat[i].item():.9g}" for i in (0, 1, 2 % len(flat), -1))
            yield f"{name} {key} {values}"


def main():
    (GOLDEN / "initial-weights.txt").write_text("\n".join(initial_weights()) + "\n")


if __name__ == "__main__":
    main()
