#!/usr/bin/env python3
"""Every kernel of the six networks compiles for a real card, in registers alone, and products that are meant to use tensor cores
do. Needs nvcc, and no GPU: bench_cuda lists what there
is, on the fake driver. By default the small kernels and every 16th product (all of them: RT_CUDA_KERNELS=all)."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SOURCE, done, empty, ok, skip_all

BENCH = sys.argv[1]
KERNELS = os.path.join(SOURCE, 'src', 'engine', 'cuda', 'kernels')
SMALL = ('gather.cu', 'loss.cu', 'lrn.cu', 'norm.cu', 'pool.cu', 'rows.cu')
PRODUCTS = ('gemm.cu', 'conv_halo.cu')
NVCC = shutil.which('nvcc') or shutil.which('/usr/local/cuda/bin/nvcc')


def compiled(job):
    """The report of one source with one set of options: "" or what is wrong."""
    arch, source, options = job
    with tempfile.NamedTemporaryFile(suffix='.cubin') as out:
        run = subprocess.run([NVCC, f'-arch={arch}', '-cubin', '-Xptxas', '-v', '-I', os.path.join(SOURCE, 'src'), *options.split(), '-o', out.name,
                              os.path.join(KERNELS, source)], capture_output=True, text=True, check=False)
    where = f'{source} {arch} {options}'
    if run.returncode:
        return f'{where}: {run.stderr[:400]}'
    for line in run.stderr.splitlines():
        if re.search(r'[1-9]\d* bytes (stack frame|spill)', line):
            return f'{where}: {line.strip()}'
    return ''


def translated(job):
    """As compiled, to PTX, for cards that come later: tensor cores in the products of TF32 and bfloat16, and in no others."""
    source, options = job
    run = subprocess.run([NVCC, '-arch=compute_80', '-ptx', '-I', os.path.join(SOURCE, 'src'), *options.split(), '-o', '-',
                          os.path.join(KERNELS, source)], capture_output=True, text=True, check=False)
    if run.returncode:
        return f'{source} compute_80 {options}: {run.stderr[:400]}'
    math = re.search(r'-DRT_MATH=(\d)', options)
    wanted = {'1': {'tf32'}, '2': {'bf16'}}.get(math.group(1), set()) if math and source in PRODUCTS else set()
    found = set(re.findall(r'mma\.sync\.aligned\.m16n8k\d+\.row\.col\.f32\.(\w+)', run.stdout))
    return '' if found == wanted else f'{source} compute_80 {options}: products by {sorted(found)}, not {sorted(wanted)}'


def check_nvrtc():
    """The compiler that the program itself uses, on the sources that it carries, for each optimiser's kernels."""
    found = sorted(glob.glob(os.path.join(os.path.dirname(os.path.realpath(NVCC)), '..', 'lib64', 'libnvrtc.so.*')))
    found = [path for path in found if '.alt.' not in path]
    for optimizer in ('sgd', 'nesterov', 'adam') if found else ():
        with tempfile.TemporaryDirectory(prefix='rethink-nvrtc-') as folder:
            run = subprocess.run([RETHINK, 'train', 'MLP1_0.0_none', '--device', 'cuda', '--data', 'shapes10', '--set', 'train_size=8',
                                  '--set', 'test_size=4', '--set', 'batch_size=4', '--set', f'optimizer={optimizer}', '--epochs', '1'],
                                 capture_output=True, text=True, check=False, cwd=folder,
                                 env={**os.environ, 'RT_FAKE_CUDA_DRY': '1', 'RETHINK_NVRTC': found[-1], 'XDG_CACHE_HOME': folder})
            kernels = glob.glob(os.path.join(folder, 'rethink', 'kernels', '*.cubin'))
            ok('cannot compile' not in run.stderr and len(kernels) > 5, f'NVRTC compiles MLP1 with {optimizer}', run.returncode,
               run.stderr)


def main():
    if not NVCC:
        skip_all('no nvcc')
    check_nvrtc()
    listed = subprocess.run([BENCH, '--list'], capture_output=True, text=True, check=False,
                            env={**os.environ, 'RT_FAKE_CUDA_DRY': '1'})
    kernels = sorted(set(listed.stdout.splitlines()))
    if not ok(listed.returncode == 0 and len(kernels) > 100, 'kernels of the six networks are listed', listed.stderr):
        done()
    small = [k for k in kernels if k.startswith(SMALL)]
    products = [k for k in kernels if not k.startswith(SMALL)]
    chosen = small + products if os.environ.get('RT_CUDA_KERNELS') == 'all' else small + products[::16]
    for arch in ('sm_80', 'sm_90'):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [(arch, *kernel.split('|', 1)) for kernel in chosen] + [(arch, 'ceilings.cu', options) for options in ('', '-DRT_BF16=1')]
            empty((problem for problem in pool.map(compiled, jobs) if problem),
                  f'{len(chosen)} of {len(kernels)} kernels for {arch}, and those of the ceilings: no error, no spill, no local memory')
    chosen = chosen[::3]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        empty((problem for problem in pool.map(translated, (kernel.split('|', 1) for kernel in chosen)) if problem),
              f'{len(chosen)} kernels for compute_80: no error, tensor cores where they are meant')
    done()


main()
