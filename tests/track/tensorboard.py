"""What the TensorBoard recorder writes, read by TensorBoard's own readers and by protoc."""
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import environment  # noqa: E402
import metric_list  # noqa: E402
import tap  # noqa: E402
from services import SERIES, seen  # noqa: E402

DRIVE = os.environ['RT_DRIVE']

READ = r'''
import json, sys
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.plugins.hparams import plugin_data_pb2
from google.protobuf import json_format

def plain(values):
    return [[event.step, event.value] for event in values]

run = ea.EventAccumulator(sys.argv[1], size_guidance={ea.SCALARS: 0, ea.TENSORS: 0, ea.IMAGES: 0, ea.HISTOGRAMS: 0})
run.Reload()
tags = run.Tags()
out = {'scalars': {tag: plain(run.Scalars(tag)) for tag in tags['scalars']},
       'images': {}, 'histograms': {}, 'hparams': {}}
for tag in tags['images']:
    out['images'][tag] = [[i.step, i.width, i.height, len(i.encoded_image_string)] for i in run.Images(tag)]
for tag in tags['histograms']:
    out['histograms'][tag] = [[h.step, h.histogram_value.min, h.histogram_value.max, h.histogram_value.num,
                               sum(h.histogram_value.bucket)] for h in run.Histograms(tag)]
for tag, content in run.summary_metadata.items():
    if content.plugin_data.plugin_name == 'hparams':
        data = plugin_data_pb2.HParamsPluginData.FromString(content.plugin_data.content)
        out['hparams'][tag] = json_format.MessageToDict(data)
json.dump(out, sys.stdout)
'''

# The reader of `tensorboard --load_fast=false`.
READ_SLOWLY = r'''
import json, sys
from tensorboard.backend.event_processing import plugin_event_accumulator as pea
from tensorboard.util import tensor_util

run = pea.EventAccumulator(sys.argv[1], size_guidance={pea.TENSORS: 0})
run.Reload()
def plain(tag):
    return [[e.step, tensor_util.make_ndarray(e.tensor_proto).tolist()] for e in run.Tensors(tag)]
json.dump({tag: plain(tag) for tag in run.Tags()[pea.TENSORS] if not tag.startswith(('_hparams_', 'samples', 'ended'))},
          sys.stdout)
'''

SERVE = r'''
import json, sys, time, urllib.request
from tensorboard import program
board = program.TensorBoard()
board.configure(argv=[None, '--logdir', sys.argv[1], '--port', '0', '--load_fast', 'true'])
url = board.launch()
def get(path, body=None):
    request = urllib.request.Request(url + path, data=body, headers={'Content-Type': 'application/json'})
    return json.load(urllib.request.urlopen(request, timeout=20))
end = time.time() + 60
while time.time() < end:
    runs = get('data/runs')
    if runs:
        break
    time.sleep(0.3)
time.sleep(1.0)
name = runs[0]
out = {'runs': runs, 'tags': get('data/plugin/scalars/tags')}
out['loss'] = [[p[1], p[2]] for p in get('data/plugin/scalars/scalars?run=%s&tag=train%%2Floss' % name)]
out['experiment'] = get('data/plugin/hparams/experiment', b'{"experimentName": ""}')
out['groups'] = get('data/plugin/hparams/session_groups', json.dumps({
    'experimentName': '', 'allowedStatuses': ['STATUS_SUCCESS', 'STATUS_UNKNOWN', 'STATUS_RUNNING', 'STATUS_FAILURE'],
    'colParams': [], 'startIndex': 0, 'sliceSize': 10}).encode())
json.dump(out, sys.stdout)
'''


def drive(run, *words):
    done = subprocess.run([DRIVE, 'tensorboard', run, *words], capture_output=True, text=True)
    if done.returncode:
        print('#', done.stderr)
    return done


def python(script, *words):
    done = subprocess.run([environment.python(), '-c', script, *words], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def write_png(path, width, height):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + bytes((x * 7 + y * 3 + c) % 256 for x in range(width) for c in range(3))
                    for y in range(height))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
                   chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def close(a, b):
    return abs(a - b) <= 1e-6 * max(1, abs(b))


def expected(first, end, value):
    return [[seen(s), value(s)] for s in range(first, end) if value(s) is not None]


def same(got, want):
    return [s for s, _ in got] == [s for s, _ in want] and all(close(a[1], b[1]) for a, b in zip(got, want))


def check_fresh(run):
    drive(run, 'points=8', 'threshold=5', 'weights=4')
    got = python(READ, run)
    for tag, value in SERIES.items():
        tap.ok(same(got['scalars'].get(tag, []), expected(0, 8, value)), f'fresh: {tag} has exactly the logged points',
               got['scalars'].get(tag))
    scalars = got['scalars']
    tap.ok(scalars['threshold/epoch'] == [[seen(5), 2.0]] and scalars['threshold/minutes'] == [[seen(5), 1.25]],
           'fresh: the threshold is marked once, at its step', scalars)
    tap.ok(close(scalars['threshold/test_accuracy'][0][1], 4 / 12) and
           close(scalars['threshold/test_error'][0][1], 8 / 12), 'fresh: accuracy and error at the threshold')
    tap.ok(close(scalars['whole_run/test_accuracy'][0][1], 6 / 14), 'fresh: the final accuracy')
    tap.ok(set(scalars) == set(SERIES) | {'threshold/epoch', 'threshold/minutes', 'threshold/test_accuracy',
                                          'threshold/test_error', 'whole_run/train_loss', 'whole_run/train_accuracy',
                                          'whole_run/test_loss', 'whole_run/test_accuracy'},
           'fresh: and no other series', sorted(scalars))
    tap.ok(got['images'].get('samples') == [[0, 24, 16, os.path.getsize(run + '/samples.png')]],
           'fresh: the sample grid is an image of the right size', got['images'])
    tap.ok(got['histograms'].get('weights/layer1.weight') == [[seen(0), -1.0, 1.0, 8.0, 8.0], [seen(4), -1.0, 1.0, 8.0, 8.0]],
           'fresh: histograms of each layer count every value', got['histograms'])
    infos = got['hparams'].get('_hparams_/experiment', {}).get('experiment', {}).get('metricInfos', [])
    named = {info['name']['tag']: info['displayName'] for info in infos}
    want = {f'whole_run/{split}_{word}': column for _, split, word, column in metric_list.rows() if column}
    tap.ok(want and named == {**want, 'threshold/epoch': 'epochs to overfit', 'threshold/test_accuracy': 'test accuracy at the threshold'},
           'fresh: beside the hyper-parameters stand the metrics that have a column', named)
    start = got['hparams'].get('_hparams_/session_start_info', {}).get('sessionStartInfo', {})
    values = start.get('hparams', {})
    tap.ok(values.get('learning_rate') == 0.1 and values.get('model_name') == 'MLP1' and values.get('bn') is False and
           values.get('seed') == 42 and values.get('label_corruption_prob') == 0.5,
           'fresh: hyper-parameters with their types', values)
    tap.ok(start.get('groupName', '').startswith('MLP1_0.5_none-'), 'fresh: runs that differ in the seed share a group',
           start)
    end = got['hparams'].get('_hparams_/session_end_info', {}).get('sessionEndInfo', {})
    tap.ok(end.get('status') == 'STATUS_SUCCESS', 'fresh: the session ended well', end)


def check_resumed(run):
    """Killed at step 10; resumed from the checkpoint at step 6 with a different history, which must win."""
    drive(run, 'points=10', 'finish=none')
    before = set(os.listdir(run))
    drive(run, 'start=6', 'points=12')
    new = sorted(set(os.listdir(run)) - before)
    files = sorted(name for name in os.listdir(run) if 'tfevents' in name)
    tap.ok(len(files) == 2 and files[-1:] == new, 'resumed: a second file, which sorts last', files)
    got = python(READ, run)
    for tag, value in SERIES.items():
        tap.ok(same(got['scalars'].get(tag, []), expected(0, 12, value)),
               f'resumed: {tag} has each point once (Python reader)', got['scalars'].get(tag))
    tap.ok(len(got['images'].get('samples', [])) == 1, 'resumed: the image is not repeated')
    return got


def check_lost_points(run):
    """Resumed at step 4 and killed again at 5: steps 5 to 9 of the first session are void."""
    drive(run, 'points=10', 'finish=none')
    drive(run, 'start=4', 'points=5', 'finish=none')
    got = python(READ, run)
    tap.ok(same(got['scalars']['train/loss'], expected(0, 5, SERIES['train/loss'])),
           'lost: points after the restart vanish (Python reader)', got['scalars']['train/loss'])
    served = python(SERVE, run)
    tap.ok(same(served['loss'], expected(0, 5, SERIES['train/loss'])),
           "lost: and in TensorBoard's own (fast) server", served['loss'])


def check_kills(run):
    """Killed three times behind its checkpoints, then resumed to the end: all three readers see each point once."""
    for start, end in ((0, 10), (6, 9), (8, 12)):
        drive(run, f'start={start}', f'points={end}', 'finish=none')
    drive(run, 'start=11', 'points=14')
    fast, slow = python(READ, run)['scalars'], python(READ_SLOWLY, run)
    for tag, value in SERIES.items():
        tap.ok(same(fast[tag], expected(0, 14, value)) and same(slow[tag], expected(0, 14, value)),
               f'kills: {tag} has each point once, with both Python readers', fast[tag], slow[tag])
    served = python(SERVE, run)
    tap.ok(same(served['loss'], expected(0, 14, SERIES['train/loss'])), 'kills: and in the data server', served['loss'])


def records(path):
    data, offset = open(path, 'rb').read(), 0
    while offset < len(data):
        length = struct.unpack_from('<Q', data, offset)[0]
        yield data[offset + 12:offset + 12 + length]
        offset += 12 + length + 4


SESSION_START = b'\x3a\x02\x08\x01'  # session_log { status: START }


def check_starts(run):
    """What all readers need, seen without them: every file says that a session starts, before any value."""
    drive(run, 'points=4', 'finish=none')
    drive(run, 'start=2', 'points=5', 'finish=none')
    files = sorted(glob.glob(run + '/*tfevents*'))
    second = [list(records(path))[1] for path in files]
    tap.ok(len(files) == 2 and all(record.endswith(SESSION_START) for record in second),
           'starts: each file says first that a session starts', second)


def check_diverged(run):
    drive(run, 'points=4', 'diverge=nan', 'finish=diverged')
    found = [record for record in records(glob.glob(run + '/*tfevents*')[0]) if b'diverged at step 8, in epoch 1' in record]
    tap.ok(len(found) == 1 and b'ended' in found[0] and b'text' in found[0],
           'diverged: a text says at which step, where a point has no number', found)


def check_fresh_again(run):
    drive(run, 'points=10')
    drive(run, 'points=3')
    got = python(READ, run)
    tap.ok(same(got['scalars']['train/loss'], expected(0, 3, SERIES['train/loss'])),
           'anew: a run started anew shows nothing of the old one', got['scalars']['train/loss'])


def check_served(run):
    served = python(SERVE, run)
    tap.ok(served['runs'] == ['MLP1_0.5_none'], 'served: the run is named by its directory, and is the only one',
           served['runs'])
    infos = served['experiment'].get('hparamInfos', [])
    tap.ok({'learning_rate', 'seed', 'bn', 'model_name'} <= {info['name'] for info in infos},
           'served: the HPARAMS page has the columns', infos)
    groups = served['groups'].get('sessionGroups', [])
    values = {metric['name']['tag']: metric['value'] for metric in groups[0].get('metricValues', [])} if groups else {}
    tap.ok(len(groups) == 1 and close(values.get('threshold/epoch', -1), 2),
           'served: the HPARAMS page has one run with its epochs to overfit', groups)


def check_protoc(run):
    if not shutil.which('protoc'):
        tap.skip('protoc --decode_raw reads every record', 'no protoc (protobuf-compiler)')
        return
    data = open(sorted(glob.glob(run + '/*tfevents*'))[0], 'rb').read()
    offset, count, bad, text = 0, 0, [], ''
    while offset < len(data):
        length = struct.unpack_from('<Q', data, offset)[0]
        done = subprocess.run(['protoc', '--decode_raw'], input=data[offset + 12:offset + 12 + length],
                              capture_output=True)
        if done.returncode:
            bad.append((count, done.stderr))
        text += done.stdout.decode('ascii', 'replace')
        offset += 12 + length + 4
        count += 1
    tap.ok(not bad and offset == len(data), f'protoc --decode_raw reads every record ({count})', bad)
    tap.ok('3: "brain.Event:2"' in text and '1: "train/loss"' in text and '1: "hparams"' in text,
           'protoc sees the version, a tag and the plug-in name')


def check_columns(run):
    """Needs no TensorBoard: protocol buffers hold a column's tag and heading side by side."""
    drive(run, 'points=8')
    data = b''.join(open(path, 'rb').read() for path in glob.glob(run + '/events.out.*'))
    lost = []
    for name, split, word, column in metric_list.rows():
        tag, heading = f'whole_run/{split}_{word}'.encode(), column.encode()
        info = tag + b'\x1a' + bytes([len(heading)]) + heading
        if (info in data) != bool(column):
            lost.append(name)
    tap.empty(lost, "the hyper-parameter page's columns are the metrics with a heading")


def main():
    with tempfile.TemporaryDirectory() as folder:
        def new(name):
            run = os.path.join(folder, name, 'MLP1_0.5_none')
            os.makedirs(run)
            write_png(run + '/samples.png', 24, 16)
            return run

        fresh = new('fresh')
        done = drive(os.path.join(folder, 'nowhere'))
        tap.ok(done.returncode == 0 and done.stderr.count('\n') == 1 and 'warning: TensorBoard' in done.stderr,
               'a directory that cannot be written is one warning, and the run goes on', done.stderr)
        check_starts(new('starts'))
        check_diverged(new('diverged'))
        check_columns(new('columns'))
        why = environment.missing()
        if why:
            drive(fresh, 'points=8')
            tap.skip("TensorBoard's readers find exactly the logged points", why)
        else:
            check_fresh(fresh)
            check_resumed(new('resumed'))
            check_lost_points(new('lost'))
            check_kills(new('kills'))
            check_fresh_again(new('again'))
            check_served(os.path.dirname(fresh))
        check_protoc(fresh)
    tap.done()


main()
