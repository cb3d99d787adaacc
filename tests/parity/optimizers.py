#!/usr/bin/env python3
"""Every optimiser, in every engine, against PyTorch's: weights and states after a few steps with weight decay, on a small
network and the same images."""
import os
import sys

try:
    import numpy
    import torch
except ImportError as error:
    print(f'1..0 # SKIP {error}')
    sys.exit(0)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import engines
from tap import done, ok

RATE, MOMENTUM, DECAY, STEPS, BATCH = 0.02, 0.9, 5e-4, 12, 8
INPUTS, HIDDEN, CLASSES = (3, 4, 4), 24, 10

# As config/optimizers.h orders them: how PyTorch makes it, and its states' names there.
OPTIMIZERS = {
    'sgd': (lambda p: torch.optim.SGD(p, RATE, MOMENTUM, weight_decay=DECAY), ('momentum_buffer',)),
    'nesterov': (lambda p: torch.optim.SGD(p, RATE, MOMENTUM, weight_decay=DECAY, nesterov=True), ('momentum_buffer',)),
    'adam': (lambda p: torch.optim.Adam(p, RATE, (MOMENTUM, 0.999), weight_decay=DECAY), ('exp_avg', 'exp_avg_sq')),
}


def module():
    torch.manual_seed(3)
    net = torch.nn.Module()
    net.s2, net.s4 = torch.nn.Linear(48, HIDDEN), torch.nn.Linear(HIDDEN, CLASSES)
    return net.double()


def batches():
    torch.manual_seed(4)
    for _ in range(STEPS):
        yield torch.rand(BATCH, *INPUTS, dtype=torch.float64).float().double() * 2 - 1, torch.randint(CLASSES, (BATCH,))


def in_torch(make):
    net = module()
    optimizer = make(net.parameters())
    for x, labels in batches():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net.s4(torch.relu(net.s2(x.flatten(1)))), labels).backward()
        optimizer.step()
    return net, optimizer


def worst(got, want):
    want = want.detach().numpy().ravel()
    return float(numpy.abs(got - want).max() / numpy.abs(want).max())


library = engines.load_library(os.environ['RT_PROBE'])
for index, (name, (make, states)) in enumerate(OPTIMIZERS.items()):
    net, optimizer = in_torch(make)
    for engine in ('reference_f64', 'reference', 'native'):
        if not library.probe_has_engine(engine.encode()):
            continue
        bound = 1e-12 if engine == 'reference_f64' else 5e-6
        with engines.Probe(library, engine, f'flatten; linear {HIDDEN}; relu; linear {CLASSES}; loss', INPUTS, BATCH, True,
                           optimizer=index) as probe:
            probe.load(module())
            for step, (x, labels) in enumerate(batches()):
                probe.train(x.numpy(), labels.numpy().astype(numpy.uint8), step, (RATE, MOMENTUM, DECAY))
            found = {}
            for key, parameter in net.named_parameters():
                found[key] = worst(probe.state(key), parameter)
                for k, state in enumerate(states):
                    found[f'{state}.{key}'] = worst(probe.state(key, engines.STATE + k), optimizer.state[parameter][state])
        ok(all(value <= bound for value in found.values()),
           f'{name}, {engine}: after {STEPS} steps at most {max(found.values()):.1e} from PyTorch, bound {bound:.0e}', found)
done()
