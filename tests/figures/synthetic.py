"""Runs directories made up for tests, in the layout and formats of real runs: learning curves of a formula, with noise."""
import json
import math
import os
import random

MODELS = {'MLP1': (102, 126), 'MLP3': (27, 55), 'AlexNet': (29, 126), 'Inception': (17, 63), 'WRN': (14, 21)}
TESTS = {'none': 1.0, 'shuff_pix': 1.0, 'rand_pix': 0.8, 'gauss_pix': 1.5}
BATCHES = 391
PARAMETERS = {'MLP1': 1209866, 'MLP3': 1735178, 'AlexNet': 1375690, 'Inception': 1651114, 'WRN': 1549850}
MULTIPLY_ADDS = {'MLP1': 1.21e6, 'MLP3': 1.73e6, 'AlexNet': 45.2e6, 'Inception': 204.2e6, 'WRN': 47.4e6}


def log_batches(every, batches=BATCHES):
    return sorted(set(range(0, batches, every)) | {batches - 1})


def write_run(runs, model, name, epochs, level=0.0, corruption='none', seed=42, every=40, bn=True, figure1=True,
              reach=True, jumps=(), state='finished', data='cifar10', batches=BATCHES, shape=None, **config):
    """One run whose loss falls from ln 10 to about 0.01 over `epochs`, as at corruption `shape` (or its level);
    jumps: epochs at which it starts again higher; config: other keys of its config.yaml."""
    folder = os.path.join(runs, model, name)
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(f'{name} {seed}')
    rows, step = [], 0
    shape = level if shape is None else shape
    for epoch in range(1, epochs + 1):
        for batch in log_batches(every, batches):
            t = (epoch - 1 + (batch + 1) / batches) / epochs
            half = 0.25 + 0.35 * shape
            loss = math.log(10) / (1 + math.exp((t - half) / (0.06 + 0.03 * shape))) * (1 + math.exp(-half / 0.06))
            loss = max(0.004, loss) * math.exp(rng.gauss(0, 0.06)) * (1 if reach else 0.6) + (0 if reach else 0.8)
            for jump in jumps:
                if epoch > jump:
                    loss += 0.5 * math.exp(-(epoch - jump - 1 + batch / batches))
            acc = min(1.0, math.exp(-loss * 0.9))
            test = ('', '')
            if not figure1:
                test = (f'{0.6 + 1.2 * t * (1 if not bn else 0.3):.6g}',
                        f'{min(0.87 if bn else 0.82, acc) * (1 + rng.gauss(0, 0.01)):.6g}')
            rows.append(f'{step},{epoch},{batch},{loss:.9g},{acc:.9g},{test[0]},{test[1]},0.01,{step * 0.5:.3f},{step:.3f}')
            step += 1
    with open(os.path.join(folder, 'metrics.csv'), 'w') as f:
        f.write('step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s\n')
        f.write('\n'.join(rows) + '\n')
    error = round(0.45 + 0.45 * level ** 0.6 + rng.gauss(0, 0.004), 4)
    flops = 6 * MULTIPLY_ADDS[model] * 50000 * epochs
    final = {'train_loss': loss, 'train_acc': acc, 'test_loss': 2.0, 'test_acc': 1 - error, 'test_error': error}
    threshold = dict(final, epoch=epochs, step=step - 1, minutes=epochs * 0.07, wall_s=epochs * 4.2, cpu_s=epochs * 8.0, training_flops=flops)
    with open(os.path.join(folder, 'result.json'), 'w') as f:
        json.dump({
            'format': 1, 'version': '0.1.0', 'experiment_name': name, 'model_name': model, 'bn': bn,
            'label_corruption_prob': level, 'data_corruption_type': corruption, 'seed': seed, 'state': state,
            'epochs': epochs, 'step': step, 'batches_per_epoch': batches, 'log_every': every,
            'threshold': threshold if reach and figure1 else None, 'final': final,
            'data': {'name': data, 'source': '/data/' + data, 'official': True, 'digest': 'ab' * 32,
                     'corruption_digest': 'cd' * 32, 'train_size': 50000, 'test_size': 10000},
            'engine': 'native', 'isa': 'avx2', 'threads': 2, 'parameters': PARAMETERS[model], 'training_flops': flops,
            'wall_s': epochs * 4.2, 'cpu_s': epochs * 8.0, 'peak_memory_bytes': 300000000,
            'machine': {'cpu': 'Made-up CPU', 'cores': 2, 'os': 'Linux'}, 'learning_rate': 0.01, 'batch_size': 128,
            'curve': False, 'figure1': figure1, **{k: config[k] for k in ('learning_rate', 'batch_size', 'curve') if k in config}},
            f, indent=1)
    with open(os.path.join(folder, 'config.yaml'), 'w') as f:
        keys = {'experiment_name': name, 'model_name': model, 'seed': seed, 'label_corruption_prob': float(level), 'bn': bn,
                'data_corruption_type': corruption, 'log_every': every, 'figure1': figure1, **config}
        f.writelines(f'{key}: {json.dumps(value) if not isinstance(value, str) else value}\n' for key, value in keys.items())
    return folder


def write_all(runs, models=MODELS, seeds=(42,), figure2=True, seeds_figure=True):
    """The 72 built-in experiments, and those of seed_noseed."""
    for model in models:
        true, random_labels = MODELS[model]
        for seed in seeds:
            suffix = '' if seed == seeds[0] else f'_seed{seed}'
            for i in range(11):
                write_run(runs, model, f'{model}_{i / 10:.1f}_none{suffix}', round(true + (random_labels - true) * (i / 10) ** 0.7),
                          level=i / 10, seed=seed)
            for test in ('shuff_pix', 'rand_pix', 'gauss_pix'):
                write_run(runs, model, f'{model}_0.0_{test}{suffix}', round(true * TESTS[test]), corruption=test, seed=seed,
                          reach=not (test == 'gauss_pix' and model in ('MLP1', 'AlexNet')),
                          every=70 if model == 'Inception' else 40)
    if figure2:
        write_run(runs, 'Inception', 'Inception_bnTrue', 50, figure1=False, every=60)
        write_run(runs, 'Inception', 'Inception_bnFalse', 50, figure1=False, bn=False, every=60, shape=0.4)
    if seeds_figure:
        for level in (0.0, 0.1):
            write_run(runs, 'AlexNet', f'seedAlexNet_{level}_none', 60, level=level, curve=True)
            write_run(runs, 'AlexNet', f'nopeAlexNet_{level}_none', 60, level=level, jumps=(20, 40), seed=7,
                      curve=True, reseed_on_resume=True)


if __name__ == '__main__':
    import sys
    write_all(sys.argv[1], seeds=tuple(range(42, 42 + int(sys.argv[2]))) if len(sys.argv) > 2 else (42,))
