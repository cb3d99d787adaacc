#!/usr/bin/env python3
"""`--device cuda` where something is missing or broken: one line that says what, the documented exit code, nothing lost."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, done, ok

FAKE = os.environ['RETHINK_CUDA_DRIVER']
TINY = ['--data', 'shapes10', '--set', 'train_size=8', '--set', 'test_size=4', '--set', 'batch_size=4', '--set', 'seed=3',
        '--set', 'log_every=1', '--set', 'curve=true']


def train(folder, *arguments, device='cuda', **environment):
    env = {**os.environ, **environment}
    result = subprocess.run([RETHINK, 'train', 'MLP1_0.0_none', '--device', device, *TINY, *arguments], cwd=folder, env=env,
                            capture_output=True, text=True, timeout=120 * SLOWER)
    return result.returncode, result.stderr + result.stdout


def fails(folder, what, code, words, **environment):
    got, text = train(folder, **environment)
    line = [line for line in text.splitlines() if 'rror' in line or 'device' in line]
    ok(got == code and all(word in text for word in words) and len(line) <= 2, what, got, text)


def cached(cache):
    return sorted(glob.glob(os.path.join(cache, 'rethink', 'kernels', '*.cubin')))


def check_ceilings():
    command = [RETHINK, 'bench', '--device', 'cuda', '--models', 'MLP1', '--batch', '4', '--seconds', '0', '--measure', 'steps', '--json',
               '--set', 'train_size=16', '--set', 'precision=tf32']
    bench = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(bench.stdout or '{}')
    ceilings, steps = report.get('ceilings', {}), report['cases'][0]['steps'] if 'cases' in report else {}
    ok(len(ceilings) == 5 and min(ceilings.values()) > 0, "bench measures the card's ceilings", bench.stdout, bench.stderr)
    # products of linear layers are in float32
    ok(abs(steps.get('ceiling_flops', 0) / ceilings.get('fp32_flops', 1) - 1) < 1e-9, 'and holds steps against those of their precision',
       steps, ceilings)
    rate = steps.get('flops', 0) / steps.get('median', 1)
    ok(abs(steps.get('share_of_products', 0) * steps.get('ceiling_flops', 0) / rate - 1) < 1e-9
       and abs(steps.get('share_of_memory', 0) * ceilings.get('bytes_per_s', 0) * steps['median'] / steps['moved_bytes'] - 1) < 1e-9
       and steps.get('precision') == 'tf32', 'and their shares are of the median step', steps, ceilings)
    # gather; forward, 2 with sums of parts; loss; input gradient of the second layer; weight gradients
    ok(steps.get('launches') == sum(op['stages'] for op in steps['ops']) == 9, "a step's launches are those that its profile has", steps)
    ok(10 * 4 * 1.2e6 > steps.get('moved_bytes', 0) > 5 * 4 * 1.2e6, 'and it moves the weights five times', steps)
    half = subprocess.run([*command[:-1], 'precision=bf16'], capture_output=True, text=True, check=False)
    report = json.loads(half.stdout or '{"cases": [{"steps": {}}], "ceilings": {}}')
    ok(abs(report['cases'][0]['steps'].get('ceiling_flops', 0) / report['ceilings'].get('bf16_flops', 1) - 1) < 1e-9, 'in bf16 all products are held against one rate',
       report['ceilings'], half.stderr)
    lost = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, 'RT_FAKE_CUDA_FAIL': 'cuEventElapsedTime:1:-700'})
    ok(lost.returncode == 8 and lost.stderr.count('\n') == 1 and "ceilings" in lost.stderr, 'a card lost while they are measured',
       lost.returncode, lost.stderr)


def metrics(folder):
    """Step, losses and accuracies of the one run there, without times."""
    with open(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.0_none', 'metrics.csv'), encoding='utf-8') as f:
        return [line.split(',')[:7] for line in f]


def check_bf16(folder, cache):
    """bf16 from start to end: other losses than fp32's, by its rounding; the same bytes, repeated and resumed; not on a CPU."""
    runs = {}
    for name, epochs in ('fp32', '2'), ('bf16', '2'), ('again', '2'), ('resumed', '1'), ('resumed', '2'):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        got, text = train(os.path.join(folder, name), '--epochs', epochs, '--set', f"precision={'fp32' if name == 'fp32' else 'bf16'}",
                          XDG_CACHE_HOME=cache)
        ok(got == 0, f'trains {epochs} epochs: {name}', got, text)
        runs[name] = metrics(os.path.join(folder, name))
    losses = [(float(a[3]), float(b[3])) for a, b in zip(runs['fp32'][1:], runs['bf16'][1:]) if a[3] and b[3]]
    ok(len(losses) >= 4 and all(a != b and abs(a - b) < 0.01 * a for a, b in losses), "losses are fp32's within 1 %, and not the same", losses)
    ok(runs['bf16'] == runs['again'], 'and the same once more', runs)
    ok(runs['bf16'] == runs['resumed'], 'and resumed', runs)
    got, text = train(folder, '--set', 'precision=bf16', device='cpu')
    ok(got == 3 and 'does not compute in bf16, only in fp32' in text, 'a CPU refuses bf16', got, text)


def check_auto(folder):
    """A GPU where one can be used, else the CPU; one line says which, and why no other. Then that a cache of another driver's code is
    one warning: what runs nothing leaves such."""
    cache = os.path.join(folder, 'foreign')
    rows = [('the GPU', 'cuda:0 (Fake GPU 0, sm_90)', {}),
            ('the first that is not too old', 'cuda:1 (Fake GPU 1, sm_90)', {'RT_FAKE_CUDA_OLD': '1', 'RT_FAKE_CUDA_DEVICES': '2'}),
            ('none that is too old', 'cpu (cuda:0: Fake GPU 0 has compute capability 7.0', {'RT_FAKE_CUDA_OLD': '1'}),
            ('none without a compiler', 'cpu (cuda: RETHINK_NVRTC', {'RETHINK_NVRTC': '/nowhere/libnvrtc.so'}),
            ('none without a driver', 'cpu (cuda: no driver', {'RETHINK_CUDA_DRIVER': '/nowhere/libcuda.so.1'})]
    for i, (what, words, environment) in enumerate(rows):
        got, text = train(folder, '--epochs', '1', '--runs', f'auto{i}', device='auto', XDG_CACHE_HOME=cache, RT_FAKE_CUDA_DRY='1', **environment)
        ok(got == 0 and text.count('Device auto: ') == 1 and 'Device auto: ' + words in text, f'--device auto takes {what}', got, text)
    got, text = train(folder, '--epochs', '1', '--runs', 'foreign-runs', XDG_CACHE_HOME=cache)
    ok(got == 0 and text.count('warning') == 1 and 'cannot load compiled kernels' in text, 'kernels that the driver cannot load are one warning', got, text)


def check_resume(folder, cache):
    """From the GPU to the CPU: it says so, and the result names both, each once."""
    got, text = train(folder, '--epochs', '9', device='cpu', XDG_CACHE_HOME=cache)
    with open(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.0_none', 'result.json'), encoding='utf-8') as f:
        devices = json.load(f)['devices']
    ok(got == 0 and 'the run was trained by engine cuda (Fake GPU 0, sm_90), now by native' in text, 'a run is resumed on the CPU, and says so', got, text)
    ok(len(devices) == 2 and devices[0] == 'cuda (Fake GPU 0, sm_90)' and devices[1].startswith('native ('), 'its result names both devices', devices)


def main():
    folder = tempfile.mkdtemp(prefix='rethink-cuda-')
    cache = os.path.join(folder, 'cache')
    fails(folder, 'no driver', 3, ['device: cuda: no driver', 'libcuda'], RETHINK_CUDA_DRIVER='/nowhere/libcuda.so.1')
    fails(folder, 'a library that is no driver', 3, ['has no cu'], RETHINK_CUDA_DRIVER='libm.so.6')
    fails(folder, 'no card', 3, ['no device'], RT_FAKE_CUDA_DEVICES='0')
    fails(folder, 'a driver that is too old', 3, ['11.0', '11.4 or later'], RT_FAKE_CUDA_VERSION='11000')
    fails(folder, 'a driver that does not start', 3, ['cuInit', '999'], RT_FAKE_CUDA_FAIL='cuInit:1:999')
    fails(folder, 'no compiler library', 3, ['RETHINK_NVRTC'], RETHINK_NVRTC='/nowhere/libnvrtc.so', XDG_CACHE_HOME=cache)
    fails(folder, 'a compiler newer than the driver', 3, ['NVRTC 13', 'CUDA 12.0'], RT_FAKE_CUDA_VERSION='12000',
          XDG_CACHE_HOME=cache)
    fails(folder, 'too little memory', 1, ['smaller batch_size'], RT_FAKE_CUDA_MEMORY='9000000')
    fails(folder, 'too little memory for the images', 1, ['no room for the data set', 'it needs 1 MiB', 'are free'], RT_FAKE_CUDA_MEMORY='9000')
    fails(folder, 'a card that is too old', 3, ['compute capability 7.0', '8.0 or later'], RT_FAKE_CUDA_OLD='1')
    got, text = train(folder, device='cuda:3')
    ok(got == 3 and 'cuda:3' in text, 'a device that is not there', got, text)
    ok(not os.path.exists(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.0_none', 'metrics.csv')),
       'none of them has begun a run')

    listed = subprocess.run([RETHINK, 'devices'], capture_output=True, text=True, check=False)
    ok(listed.returncode == 0 and 'cuda:0    cuda        Fake GPU 0, sm_90; 16 GiB, driver of CUDA 13.0' in listed.stdout,
       'rethink devices shows the card', listed.stdout, listed.stderr)
    listed = subprocess.run([RETHINK, 'devices'], capture_output=True, text=True, check=False,
                            env={**os.environ, 'RETHINK_CUDA_DRIVER': '/nowhere/libcuda.so.1'})
    ok(listed.returncode == 0 and 'cuda      cuda        cuda: no driver' in listed.stdout, 'or what is missing', listed.stdout)

    got, text = train(folder, '--epochs', '1', XDG_CACHE_HOME=cache)
    ok(got == 0 and cached(cache), 'trains, and keeps its kernels', got, text)
    victim = cached(cache)[0]
    with open(victim, 'r+b') as f:
        f.seek(200)
        f.write(b'\0\xff\0\xff')
    got, text = train(folder, '--epochs', '2', XDG_CACHE_HOME=cache)
    ok(got == 0 and text.count('not a whole compiled kernel') == 1, 'a corrupt kernel is compiled anew, with one warning', got,
       text)
    got, text = train(folder, '--epochs', '3', XDG_CACHE_HOME=cache)
    ok(got == 0 and 'kernel' not in text, 'and is whole again', got, text)
    got, text = train(folder, '--epochs', '4', XDG_CACHE_HOME='/proc/nowhere')
    ok(got == 0 and text.count('warning:') == 1, 'a cache that cannot be written is one warning', got, text)
    got, text = train(folder, '--epochs', '6', XDG_CACHE_HOME=cache, RT_FAKE_CUDA_FAIL='cuEventSynchronize:3:-700')
    ok(got == 8 and 'cuEventSynchronize' in text and 'ILLEGAL_ADDRESS' in text, 'a card lost in mid-run', got, text)
    got, text = train(folder, '--epochs', '6', XDG_CACHE_HOME=cache)
    ok(got == 0, 'the same command resumes that run', got, text)
    got, text = train(folder, '--epochs', '8', '--profile', XDG_CACHE_HOME=cache)
    ok(got == 0 and 'Time by kernel, of 4 steps' in text and 'conv_weight_gradient, linear 512@1x1' in text,
       '--profile shows the time of each kernel', got, text)
    bench = subprocess.run([RETHINK, 'bench', '--device', 'cuda', '--models', 'MLP1', '--batch', '4', '--seconds', '0', '--set',
                            'train_size=16'], capture_output=True, text=True, check=False)
    ok(bench.returncode == 0 and 'time by kernel (mean of 12 steps)' in bench.stdout and 'inf' not in bench.stdout
       and 'nan' not in bench.stdout, 'rethink bench --device cuda too, of steps apart', bench.stdout, bench.stderr)
    check_resume(folder, cache)
    check_auto(folder)
    check_ceilings()
    check_bf16(folder, cache)
    shutil.rmtree(folder)
    done()


main()
