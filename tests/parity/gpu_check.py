#!/usr/bin/env python3
"""tools/gpu-check without a GPU, on made-up outputs of programs: first losses beside PyTorch's; what is out of time is not checked, nor
a run that ended before it was interrupted; how stages and networks share the time."""
import argparse
import importlib.machinery
import importlib.util
import math
import os
import pathlib
import sys
import tempfile
import threading

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
    """Whose programs are made up: `answer` returns their exit status and output."""

    def __init__(self, folder, answer=None, **more):
        super().__init__(argparse.Namespace(**{**dict(out=folder, minutes=1, models=['MLP3'], steps=100, device='cuda', data='shapes10',
                                                      torch='cuda', rethink='rethink', toy=False, precisions=['tf32', 'fp32', 'bf16']), **more}))
        self.answer, self.commands = answer, []

    def say(self, text):
        pass

    def run(self, *command, limit=60, until=None, **environment):
        words = [str(c) for c in command] + [f'{k}={v}' for k, v in environment.items()]
        self.commands.append(words)
        return self.answer(words, until)

    def words(self):
        """Of the summary, which the next check begins anew."""
        self.log.close()
        return [line.split(':')[0] for line in self.summary]


def option(words, name):
    return words[words.index(name) + 1]


def losses_answer(ours, theirs):
    """Ours, and PyTorch's of each jitter (null: it fails), which wait until both of ours have run."""
    both, count = threading.Event(), []

    def write(path, losses):
        path.parent.mkdir(parents=True, exist_ok=True)
        means = [sum(losses[:i + 1]) / (i + 1) for i in range(len(losses))]
        path.write_text('train_loss\n' + ''.join(f'{m!r}\n' for m in means))

    def answer(words, _):
        if words[0] == 'rethink':
            count.append(1)
            if len(count) == 2:
                both.set()
            if ours is None:
                return None, ''
            write(pathlib.Path(option(words, '--runs')) / 'x' / gpu_check.MODELS['MLP3'] / 'metrics.csv', ours)
            return 0, ''
        jitter = int(option(words, '--jitter-seed')) if '--jitter' in words else 0
        if not both.wait(20) or theirs[jitter] is None:
            return 1, 'no memory'
        write(pathlib.Path(option(words, '--out')), theirs[jitter])
        return 0, ''

    return answer


def check_command(folder):
    near, far = off(50, 4e-4), off(50, 1e-2)
    for what, ours, theirs, words in (
            ('runs are compared', near, [THEIRS, THEIRS, off(50, 3e-4), THEIRS], {'good'}),
            ('ours is too far in both precisions', far, [THEIRS] * 4, {'WRONG'}),
            ('ours is out of time', None, [THEIRS] * 4, {'not checked'}),
            ('PyTorch does not run', near, [None] * 4, {'not checked'}),
            ('it does not beside itself, and ours is near', THEIRS, [THEIRS, None, None, None], {'good'}),
            ('it does not beside itself, and ours is far', far, [THEIRS, THEIRS, None, THEIRS], {'not checked'})):
        check = Made(folder, losses_answer(ours, theirs))
        check.first_losses(60)
        found = check.words()
        ok(len(found) == 2 and set(found) == words, what, *check.summary)
    jitters = sorted(words[words.index('--jitter-seed') + 1] for words in check.commands if '--jitter' in words)
    ok(jitters == ['1', '1', '2', '2', '3', '3'] and all('6e-08' in w for w in check.commands if '--jitter' in w),
       'three jitters of 6e-8 for each precision', jitters)


def check_run(folder):
    """Real programs: Python's."""
    check = gpu_check.Check(Made(folder).args)
    python = sys.executable, '-c'
    ok(check.run(*python, 'import sys; print(1); print(2, file=sys.stderr)') == (0, '1\n'), 'standard error is kept apart')
    status, output = check.run(*python, 'import sys; print(1); sys.exit("why")')
    ok(status == 1 and output == '1\nwhy\n', 'and shown where a program fails', status, output)
    begun = pathlib.Path(folder, 'begun')
    ok(check.run(*python, f'open({str(begun)!r}, "w")', limit=-1) == (None, '') and not begun.exists(), 'no time left: it is not begun')
    ok(check.run(*python, 'import time; time.sleep(60)', limit=0.1)[0] is None, 'out of time')
    saves = 'import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(6)); ' + f'open({str(begun)!r}, "w"); time.sleep(60)'
    ok(check.run(*python, saves, until=begun.exists)[0] == 6, 'interrupted once it has begun')
    check.log.close()


def check_tests(folder):
    names = []
    real, gpu_check.find = gpu_check.find, lambda *name: name[0]
    cases = {'test_engine_golden': (None, 'ok 1 - a\n'), 'test_engine_optimizers': (None, 'ok 1 - a\nnot ok 2 - b\n'),
             'test_engine_bitwise': (0, '')}

    def answer(words, _):
        names.append(' '.join(w for w in words if not w.startswith(('RT_TEST_ENGINES', 'RT_SOURCE'))))
        return cases.get(words[0], (0, 'ok 1 - a\n'))

    check = Made(folder, answer)
    check.tests(60)
    gpu_check.find = real
    ok(check.words() == ['not checked', 'WRONG', 'WRONG'] + ['good'] * 5, 'out of time is not checked, but for a `not ok`; no test is wrong',
       *check.summary)
    ok({f'test_engine_compare RT_TEST_PRECISION={p}' for p in ('fp32', 'tf32', 'bf16')} <= set(names)
       and [n.split(' --seconds')[0] for n in names[-2:]] == ['tune_gemm --bf16 --check', 'tune_gemm --check'],
       'networks in each precision, and tiles with and without bf16', *names)


def check_bytes(folder):
    bytes_of = {}

    def answer(words, until):
        runs = pathlib.Path(option(words, '--runs'))
        kind, _, label = runs.name.partition('-')
        status, data = made.get((kind, label), (6 if until else 0, b'bytes'))
        if status == 0:
            name = next(w for w in words if w.endswith('_none'))
            name = next((w.replace('model_name=', '') + '_0.5_none' for w in words if w.startswith('model_name=')), name)
            target = runs / 'x' / name / 'e_003' / 'model.safetensors'
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        bytes_of.setdefault(label, []).append(kind)
        if label == 'histories' and until:  # the second time, resumed, it leaves others
            made[kind, label] = 0, b'others'
        return status, 'does not compute in fp32' if label == 'fp32' else 'error'

    made = {('once', 'fp32'): (3, b''), ('once', 'AlexNetPaper'): (None, b''), ('again', 'InceptionPaper'): (0, b'others'),
            ('again', 'adam'): (None, b''), ('cut', 'adam'): (0, b'bytes'), ('cut', 'nesterov'): (None, b''), ('again', 'inputs'): (1, b''),
            ('cut', 'inputs'): (1, b'')}
    check = Made(folder, answer)
    check.bytes(60)
    check.log.close()
    found = {}
    for line in check.summary:
        word, label, *_ = line.split(': ')
        found.setdefault(label, []).append(word)
    for label, words, what in (
            ('WRN_0.5_none', ['good'] * 3, 'repeated, resumed and beside others'), ('bf16', ['good', 'good'], 'the same'),
            ('fp32', ['not checked'], 'not supported'), ('AlexNetPaper', ['not checked'], 'the first run out of time'),
            ('InceptionPaper', ['WRONG', 'good'], 'other bytes'), ('histories', ['good', 'WRONG'], 'other bytes once resumed'),
            ('adam', ['not checked'] * 2, 'out of time; had ended before it was interrupted'),
            ('nesterov', ['good', 'not checked'], 'out of time before it was interrupted'), ('inputs', ['WRONG'] * 2, 'errors')):
        ok(found.get(label) == words, f'bytes: {what}', label, *check.summary)
    order = list(dict.fromkeys(label for label in bytes_of if label))
    ok(order[1:5] == ['bf16', 'fp32', 'AlexNetPaper', 'InceptionPaper'], "bf16, fp32 and the paper's networks before the others", order)
    ok(bytes_of['bf16'] == ['once', 'again', 'cut', 'cut'], 'no run twice', bytes_of['bf16'])


def check_speed(folder):
    steps = '{"cases": [{"steps": {"median": %s, "ops": [], "profiled_steps": 0}}]}'
    turns = []

    def answer(words, _):
        if words[0] != 'rethink':
            return 0, f'{option(words, "--models")} tf32 graph 1000.0 us\n'
        model, precision = option(words, '--models'), words[words.index('--set') + 1].split('=')[1]
        turns.append((model, precision))
        if precision == 'bf16':
            return None, ''
        return 0, '{"cases": [' if model == 'MLP1' else steps % (4e-4 if turns.count((model, precision)) > 1 else 9e-4)

    check = Made(folder, answer, models=['MLP1', 'MLP3'])
    check.speed(60)
    check.log.close()
    ok(len(check.summary) == 4 and check.summary[0].startswith('WRONG: MLP1: step times broke off')
       and check.summary[1].startswith('not checked: bench MLP3 bf16') and check.summary[2].startswith('good: MLP3 tf32: 400.0 us a step')
       and check.summary[3].startswith('not checked: MLP3 fp32: 900.0 us'),
       "a bench that cannot be read ends its network's, not the stage; the better of two turns of tf32", *check.summary)
    ok(turns.count(('MLP3', 'fp32')) == 1, 'fp32 has one turn', turns)


def check_variants(folder):
    real, gpu_check.find = gpu_check.find, lambda *name: name[0]
    check = Made(folder, lambda words, _: (None, '') if 'WRN' in words else
                 (0, f'step: {10 if option(words, "--side-by-side") == "1" else 3} us a run\'s step') if '--side-by-side' in words else (0, ''))
    check.variants(60)
    gpu_check.find = real
    ok(check.words() == ['good', 'good', 'good', 'not checked'], 'side by side: out of time is not checked', *check.summary)


def check_seeds(folder):
    """Ours and PyTorch's test accuracy at the threshold, {seed: accuracy}; null: it does not get there."""
    ten = {seed: 0.7 + 0.01 * seed for seed in range(1, 11)}

    def seeds(what, ours, theirs, begin, *words):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            def answer(command, _):
                if command[0] != 'rethink':
                    lines = [f'{seed},5,0.001,1,{"" if accuracy is None else accuracy}' for seed, accuracy in theirs.items()]
                    pathlib.Path(option(command, '--out')).write_text('\n'.join(['seed,epoch,train_loss,train_acc,test_acc', *lines]) + '\n')
                    return 0, ''
                for seed, accuracy in ours.items():
                    run = pathlib.Path(option(command, '--runs')) / 'WRN' / f'WRN_0.0_none_seed{seed}'
                    run.mkdir(parents=True)
                    threshold = 'null' if accuracy is None else f'{{"epoch": 5, "test_acc": {accuracy}}}'
                    (run / 'result.json').write_text(f'{{"seed": {seed}, "threshold": {threshold}}}')
                return 0, ''

            check = Made(place, answer)
            (check.work / 'seeds').mkdir(parents=True, exist_ok=True)
            check.seeds(60)
            check.log.close()
            ok(len(check.summary) == 1 and check.summary[0].startswith(begin) and all(word in check.summary[0] for word in words),
               f'seeds: {what}', *check.summary)

    seeds('all of both', ten, ten, 'good', '10 of both', '0.7550')
    seeds("some of PyTorch's: the means are of these", ten, {s: a for s, a in ten.items() if s < 4}, 'good', '10 seeds', "3 of PyTorch's", '3 of both', '0.7200')
    seeds('the same, and ours is far', {s: a + 0.02 for s, a in ten.items()}, {s: ten[s] for s in (1, 10)}, 'WRONG', '2 of both')
    seeds("ours that did not get there", {**ten, 10: None}, ten, 'good', '9 seeds', "10 of PyTorch's", '9 of both')
    seeds('one seed', ten, {3: ten[3], 4: None}, 'not checked', '1 of both')


CURVE = [(0.5, 0.1), (1.5, 0.3), (2.5, 0.5), (4, 0.8), (4.5, 0.999), (6, 1)]  # (epoch, accuracy)


def check_schedules(folder):
    reference = pathlib.Path(folder, 'alexnet_corrup_curves.csv')
    reference.write_text('model,label_corruption,step,train_accuracy\n' + ''.join(
        f'AlexNet,{p},{x * gpu_check.POINTS_PER_EPOCH},{y}\n' for p in gpu_check.LEVELS.values() for x, y in CURVE))
    published = gpu_check.published_accuracy(reference, 1.0)
    ok({e: round(y, 9) for e, y in published.items()} == {1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8}, 'published accuracy at the epochs before the threshold',
       published)
    distance = gpu_check.mean_distance
    ok(abs(distance({1: 0.3, 2: 0.3, 3: 0.6, 4: 0.8}, published) - 0.05) < 1e-9 and abs(distance({1: 0.2, 2: 0.998}, published) - 0.2985) < 1e-9,
       'the mean over epochs; a run that has met the threshold keeps its last accuracy')
    ok(distance({1: 0.2, 2: 0.4}, published) == distance({}, published) == distance({1: 1.0}, {}) == math.inf, 'a run cut short, or none at all')
    for what, off_by, status, words in (('one decay is near at all levels', {0.97: 0.01, 0.99: 0.2}, 0, 'good: AlexNet: lr_decay 0.97 is nearest'),
                                        ('each is far at one', {0.97: 0.1, 0.99: 0.2}, 0, 'WRONG: AlexNet: lr_decay 0.97'),
                                        ('out of time', {}, None, 'not checked: schedules: no decay'),
                                        ('the sweep fails', {}, 3, 'WRONG: schedules: error')):
        def answer(words, _):
            runs = pathlib.Path(option(words, '--runs'))
            for decay, size in off_by.items():
                for name, level in gpu_check.LEVELS.items():
                    run = runs / 'AlexNet' / f'{name}_lr_decay{decay}'
                    run.mkdir(parents=True)
                    (run / 'result.json').write_text('{}')
                    (run / 'config.yaml').write_text(f'lr_decay: {decay}\n')
                    (run / 'metrics.csv').write_text('epoch,train_acc\n' + ''.join(
                        f'{e},0.0\n{e},{y + (size if level == 0.8 else 0)}\n' for e, y in published.items()))
            return status, 'error'

        check = Made(folder, answer, reference=folder, decays='0.97,0.99')
        check.schedules(60)
        check.log.close()
        ok(len(check.summary) == 1 and check.summary[0].startswith(words), f'schedules: {what}', *check.summary)
    check = Made(folder, None, reference=os.path.join(folder, 'none'), decays='0.97')
    check.schedules(60)
    check.log.close()
    ok(check.summary[0].startswith('not checked: schedules: no alexnet'), 'schedules: no published curves', *check.summary)


def check_sharing():
    now, real = [100.0], gpu_check.time.monotonic
    gpu_check.time.monotonic = lambda: now[0]
    shares = []
    for item, seconds in gpu_check.shared(160, {'a': 1, 'b': 2, 'c': 3}):
        shares.append((item, round(seconds, 3)))
        now[0] += {'a': 4, 'b': 56, 'c': 0}[item]
    gpu_check.time.monotonic = real
    ok(shares == [('a', 10), ('b', 22.4), ('c', 0)], 'time by weight; what is left goes on, and none is negative', shares)
    stages = list(gpu_check.STAGES)
    ok(stages[:2] == ['tests', 'speed'] and stages.index('bytes') < stages.index('seeds') < stages.index('figures'), 'stages in order of worth')
    ok(gpu_check.STAGES['speed'] / sum(gpu_check.STAGES.values()) * 14 * 60 > 150, 'speed has time for eighteen cold compilations')


def check_card():
    for device, before, want in (('cuda:1', None, ('cuda', '1')), ('cuda:1', '4,6', ('cuda', '6')), ('cuda:2', '4,6', ('cuda:2', '4,6')),
                                 ('cuda', '4,6', ('cuda', '4,6')), ('cpu', None, ('cpu', None))):
        environment = {} if before is None else {'CUDA_VISIBLE_DEVICES': before}
        got = gpu_check.one_card(device, environment), environment.get('CUDA_VISIBLE_DEVICES')
        ok(got == want, f'{device} where {before} are visible', got)


def main():
    check_judge()
    check_sharing()
    check_card()
    for check in (check_command, check_run, check_tests, check_bytes, check_speed, check_variants, check_seeds, check_schedules):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
    done()


main()
