#!/usr/bin/env python3
"""tools/gpu-check without a GPU: how it judges first losses beside PyTorch's, with losses that are made up."""
import argparse
import importlib.machinery
import importlib.util
import math
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import SOURCE, done, ok

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader('gpu_check', os.path.join(SOURCE, 'tools', 'gpu-check'))
gpu_check = importlib.util.module_from_spec(importlib.util.spec_from_loader('gpu_check', loader))
loader.exec_module(gpu_check)

THEIRS = [2.3 - 0.01 * i for i in range(100)]


def off(at, size):
    """Their losses, `size` off from step `at` on."""
    return [loss + (size if i >= at else 0) for i, loss in enumerate(THEIRS)]


def check_judge():
    judge = gpu_check.judge_losses
    good, lines = judge(off(0, 9e-5), THEIRS, [off(0, 1e-6)] * 3, 1e-4)
    ok(good and len(lines) == 3 and lines[1] == 'first 20: 9.0e-05 (allowed 1.0e-04; PyTorch from itself 1.0e-06)',
       'within the limit, with both differences', lines)
    ok(not judge(off(99, 1.1e-4), THEIRS, [THEIRS] * 3, 1e-4)[0], 'the last loss beyond the limit, where PyTorch repeats itself')
    apart = [THEIRS, off(20, 3e-4), off(20, 1e-5)]
    ok(judge(off(20, 5.9e-4), THEIRS, apart, 1e-4)[0], "within twice PyTorch's largest difference from itself")
    ok(not judge(off(20, 6.1e-4), THEIRS, apart, 1e-4)[0], 'beyond it')
    ok(not judge(off(19, 5.9e-4), THEIRS, apart, 1e-4)[0], 'each prefix by itself: what rounding does later allows nothing before')
    ok(not judge(off(4, 2e-4), THEIRS, [off(5, 1)] * 3, 1e-4)[0], 'the first five too')
    ok(not judge(THEIRS[:99] + [math.nan], THEIRS, apart, 1e-4)[0] and not judge(THEIRS[:99], THEIRS, apart, 1e-4)[0],
       'a loss that is no number, or missing')
    ok(not judge(off(0, 1), THEIRS, [off(0, math.nan), off(0, math.inf), THEIRS[:9]], 1e-4)[0],
       'runs of PyTorch that are not finite or cut short allow nothing')
    ok(not judge([], [], [], 1e-4)[0], 'no losses at all')
    ok(len(judge(THEIRS[:50], THEIRS[:50], [], 1e-4)[1]) == 3 and not judge(off(49, 1)[:50], THEIRS[:50], [], 1e-4)[0],
       'fewer steps: all of them count')


class Made(gpu_check.Check):
    """Whose runs are made up: ours, and PyTorch's of each jitter (null: it fails)."""

    def __init__(self, folder, ours, theirs):
        super().__init__(argparse.Namespace(out=folder, minutes=1, models=['MLP3'], steps=100, device='cuda', data='shapes10',
                                            torch=True, rethink='rethink'))
        self.ours, self.theirs, self.commands = ours, theirs, []

    def say(self, text):
        pass

    def write(self, path, losses):
        path.parent.mkdir(parents=True, exist_ok=True)
        means = [sum(losses[:i + 1]) / (i + 1) for i in range(len(losses))]
        path.write_text('train_loss\n' + ''.join(f'{m!r}\n' for m in means))

    def run(self, *command, limit=60, **environment):
        words = [str(c) for c in command]
        self.commands.append(words)
        if words[0] == 'rethink':
            self.write(pathlib.Path(words[words.index('--runs') + 1]) / 'x' / gpu_check.MODELS['MLP3'] / 'metrics.csv', self.ours)
            return 0, ''
        jitter = int(words[words.index('--jitter-seed') + 1]) if '--jitter' in words else 0
        if self.theirs[jitter] is None:
            return 1, 'no memory'
        self.write(pathlib.Path(words[words.index('--out') + 1]), self.theirs[jitter])
        return 0, ''


def check_command(folder):
    near, far = off(50, 4e-4), off(50, 1e-2)
    for what, ours, theirs, words in (
            ('runs are compared', near, [THEIRS, THEIRS, off(50, 3e-4), THEIRS], {'good'}),
            ('ours is too far in both precisions', far, [THEIRS] * 4, {'WRONG'}),
            ('PyTorch does not run', near, [None] * 4, {'not checked'}),
            ('it does not beside itself, and ours is near', THEIRS, [THEIRS, None, None, None], {'good'}),
            ('it does not beside itself, and ours is far', far, [THEIRS, THEIRS, None, THEIRS], {'not checked'})):
        check = Made(folder, ours, theirs)
        check.first_losses(60)
        check.log.close()
        ok(len(check.summary) == 2 and {line.split(':')[0] for line in check.summary} == words, what, *check.summary)
    jitters = sorted(words[words.index('--jitter-seed') + 1] for words in check.commands if '--jitter' in words)
    ok(jitters == ['1', '1', '2', '2', '3', '3'] and all('6e-08' in w for w in check.commands if '--jitter' in w),
       'three jitters of 6e-8 for each precision', jitters)


def main():
    check_judge()
    with tempfile.TemporaryDirectory() as folder:
        check_command(folder)
    done()


main()
