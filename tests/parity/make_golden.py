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


OPS = [  # (layers, input, batch): small, and odd wherever an op may be
    ("linear 5", (3, 2, 4), 3),
    ("conv 4 3 1 1 0", (3, 6, 5), 3),
    ("conv 16 3 1 1 0", (16, 8, 8), 2),
    ("conv 5 3 2 1 1", (4, 7, 8), 3),
    ("conv 6 5 1 1 1", (3, 9, 7), 2),
    ("conv 6 1 2 0 0", (5, 7, 7), 3),
    ("conv 3 5 1 2 1", (2, 3, 3), 2),
    ("bn 1e-3", (5, 4, 3), 4),
    ("bn 1e-5", (6, 2, 2), 1),
    ("relu", (3, 4, 5), 2),
    ("max_pool 3 2 0", (4, 8, 7), 2),
    ("max_pool 3 2 1", (4, 8, 7), 2),
    ("relu; max_pool 3 2 1", (2, 8, 8), 2),
    ("avg_pool 3", (3, 4, 5), 2),
    ("avg_pool 1", (3, 4, 5), 2),
    ("lrn 5 1e-4 0.75 2", (8, 3, 3), 2),
    ("lrn 3 0.5 0.75 1", (7, 3, 3), 2),
    ("relu; concat @1 @0", (3, 4, 4), 2),
    ("relu; add @1 @0", (3, 4, 4), 2),
    ("conv 4 3 1 1 0; flatten; linear 3", (2, 3, 5), 2),
    ("conv 8 3 1 1 1; relu; max_pool 3 2 0; lrn 5 1e-4 0.75 2; avg_pool 3; linear 10", (3, 11, 11), 2),
    ("conv 4 1 1 0 0; bn 1e-3; relu; conv 6 3 1 1 0 @0; bn 1e-3; relu; concat @3 @6", (5, 6, 6), 3),
    ("conv 4 3 2 1 0; bn 1e-3; relu; max_pool 3 2 1 @0; concat @3 @4", (3, 7, 7), 3),
    ("bn 1e-5; relu; conv 6 3 2 1 0; bn 1e-5; relu; conv 6 3 1 1 0; bn 1e-5 @0; relu; conv 6 1 2 0 0; add @9 @6",
     (4, 7, 7), 3),
]


def projected(what, values):
    """Count, Euclidean norm and the products with three of fill()'s vectors: an error in any value moves these."""
    values = torch.as_tensor(values).double().flatten()
    products = (torch.dot(values, oracle.fill(9000 + k, len(values))).item() for k in range(3))
    return f"{what} {len(values)} {values.norm().item():.10g} " + " ".join(f"{p:.10g}" for p in products)


def ops():
    """Outputs and gradients in double, of weights from randomize(), x = fill(1), dy = fill(2)."""
    for text, shape, batch in OPS:
        for mode in ("training", "evaluation"):
            network = oracle.Network(text, shape).double().train(mode == "training")
            oracle.randomize(network)
            x = oracle.fill(1, batch, *shape)
            yield f"network {mode} {batch} {shape[0]} {shape[1]} {shape[2]} {text}"
            if mode == "evaluation":
                yield projected("y", network(x).detach())
                continue
            outputs = network(x).numel()
            oracle.randomize(network)
            y, found = oracle.gradients(network, x, oracle.fill(2, outputs))
            yield projected("y", y)
            yield projected("dx", found.pop("x"))
            for key, gradient in found.items():
                yield projected(key, gradient)
            for key, value in network.named_buffers():
                if value.dtype != torch.int64:
                    yield projected(key, value)


def losses():
    """Up to ten steps from seed 42, in double: MODEL BATCH COUNT losses...; as many as stay within 2e-5 when the
    weights start a part in 1e5 of their size off (beyond, any two orders of summation part). Momentum 0.9, weight
    decay 5e-4, rate 0.01."""
    for name in oracle.MODELS:
        batch = 16 if name.startswith("MLP") else 4
        torch.manual_seed(42)
        exact, moved, kept = oracle.model(name).double(), oracle.model(name).double(), []
        moved.load_state_dict(exact.state_dict())
        with torch.no_grad():
            for i, p in enumerate(moved.parameters()):
                p.add_(1e-5 * p.norm() / p.numel() ** 0.5 * oracle.fill(i, *p.shape))
        optimizers = [torch.optim.SGD(m.parameters(), 0.01, 0.9, weight_decay=5e-4) for m in (exact, moved)]
        for step in range(10):
            images, labels = oracle.images_and_labels(batch, 100 + 2 * step)
            want, other = (oracle.loss(m, images.double(), labels)[0] for m in (exact, moved))
            if abs(other - want) > 2e-5 * want:
                break
            kept.append(f"{want:.10g}")
            for optimizer in optimizers:
                optimizer.step()
        yield f"{name} {batch} {len(kept)} " + " ".join(kept)


def main():
    (GOLDEN / "ops.txt").write_text("\n".join(ops()) + "\n")
    (GOLDEN / "losses.txt").write_text("\n".join(losses()) + "\n")
    (GOLDEN / "initial-weights.txt").write_text("\n".join(initial_weights()) + "\n")


if __name__ == "__main__":
    main()
