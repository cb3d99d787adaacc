#!/usr/bin/env python3
"""usage: tests/fuzz/seeds.py

Writes the hand-made part of the corpora: for each reader, well-formed files, and one file for each rule that a
stranger's file may break.
"""
import gzip
import io
import json
import os
import pickle
import struct
import tarfile

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')


def write(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def json_seeds():
    for name, text in {
            'all-kinds': '{"a":[1,2.5,-3e10,true,false,null,"x\\u00e9\\n"],"b":{"c":{}}}',
            'deep': '[' * 3000 + ']' * 3000,
            'control-characters': '{"a":"x\n\x1b[31m"}',
            'duplicate-key': '{"a":1,"a":2}',
            'empty-array': '[]',
            'empty-objects': '[' + '{},' * 20000 + '{}]',
            'infinite': '[1e999]',
            'lone-surrogate': '"\\ud800"',
            'nothing': '',
            'nul-inside': '"a\\u0000b"',
            'too-large': '[99999999999999999999999]',
    }.items():
        write('json', name, text)


def npy(header, data, version=1):
    """An .npy file whose header is the text."""
    text = header.encode()
    length = struct.pack('<H' if version == 1 else '<I', len(text))
    return b'\x93NUMPY' + bytes([version, 0]) + length + text + data


def label_seeds():
    def array(kind, shape, data, order='False', version=1):
        return npy(f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n", data, version)

    for name, data in {
            'list': '[0,1,2,3,4,5,6,7]',
            'list-of-all': '[0,1,2,3,4,5,6,7,8,9,0,1]',
            'list-of-kept': '[1,1,2,3,4,5]',
            'list-of-two-meanings': '[0,1,2,3,4,5,6,7,8]',
            'list-too-short': '[0,1,2]',
            'list-out-of-range': '[0,1,2,3,4,5,6,10]',
            'list-of-reals': '[0,1,2,3,4,5,6,7.5]',
            'table': 'index,label,true\n' + ''.join(f'{i},{9 - i},{i}\n' for i in range(8)),
            'table-crlf': ''.join(f'{i},1\r\n' for i in range(12)),
            'table-other-order': ''.join(f'{i},1,{7 - i}\n' for i in range(8)),
            'table-twice': '0,1\n0,1\n',
            'table-huge': '99999999999999999999,1\n',
            'table-nul': '0,1\n\0',
            'array': array('|u1', '(8,)', bytes(range(8))),
            'array-2': array('<i8', '(8,)', b''.join(struct.pack('<q', i) for i in range(8)), version=2),
            'array-negative': array('|i1', '(8,)', b'\xff' * 8),
            'array-rows': array('<u2', '(2, 3)', struct.pack('<6H', 1, 2, 3, 4, 5, 6)),
            'array-short': array('<u4', '(8,)', bytes(31)),
            'array-fortran': array('|u1', '(8,)', bytes(8), order='True'),
            'array-huge': array('<i8', '(4294967296, 4294967296)', b''),
            'array-real': array('<f4', '(2,)', bytes(8)),
            'array-empty-type': array('', '(8,)', bytes(8)),
            'array-no-header': b'\x93NUMPY\x01\0\xff\xff',
            'nothing': '',
    }.items():
        write('labels', name, data)


def tar(*members, trailer=True):
    """A tar.gz of (name, bytes, type) members, the type '0' a file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as archive:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind.encode(), len(data), '' if kind == '0' else '/etc/passwd'
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue() if trailer else out.getvalue()[:1500], mtime=0)


def archive_seeds():
    a, b = ('folder/a', b'1234', '0'), ('folder/b', b'xyz', '0')
    for name, data in {
            'good': tar(a, b),
            'dot-slash': tar(('./folder/a', b'1234', '0'), b),
            'others-passed-over': tar(('../evil', b'x', '0'), ('/etc/evil', b'x', '0'), a, ('c', b'', '2'), b),
            'too-short': tar(('folder/a', b'123', '0'), b),
            'too-long': tar(a, ('folder/b', bytes(101), '0')),
            'twice': tar(a, b, a),
            'missing': tar(a),
            'symlink': tar(('folder/a', b'', '2'), b),
            'hard-link': tar(('folder/a', b'', '1'), b),
            'folder': tar(('folder/a', b'', '5'), b),
            'device': tar(('folder/a', b'', '3'), b),
            'cut-short': tar(a, b, trailer=False),
            'gzip-cut-short': tar(a, b)[:-20],
            'many-members': tar(a, b, *((f'x{i}', b'', '0') for i in range(1000))),
            'not-compressed': gzip.decompress(tar(a, b)),
            'not-tar': gzip.compress(b'hello', mtime=0),
            'nothing': b'',
            'python': tar(('other/c', b'batch', '0')),
            'python-before': tar(('other/c', b'batch', '0'), a, b),  # the binary version is passed over
            'python-after': tar(a, b, ('other/c', b'batch', '0')),
            'python-between': tar(a, ('other/c', b'batch', '0')),  # neither is whole
            'python-twice': tar(('other/c', b'batch', '0'), ('other/c', b'batch', '0')),
    }.items():
        write('archive', name, data)


def cifar10_seeds():
    names = b'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n'
    for name, data in {
            'names': b'0' + names,
            'names-foreign-ends': b'0' + names.replace(b'\n', b'\r\n'),
            'names-nine': b'0' + names[9:],
            'names-long': b'0' + names.replace(b'bird', b'b' * 32),
            'names-control': b'0' + names.replace(b'bird', b'\x1b[31m'),
            'names-nul': b'0' + names.replace(b'bird', b'bi\0rd'),
            'names-empty-line': b'0' + names.replace(b'bird', b''),
            'names-file-long': b'0' + names + bytes(5000),
            'batch': bytes([1]) + bytes(3073),
            'batch-label-ten': bytes([1]) + bytes(3072) + bytes([10]),
            'batch-label-255': bytes([255]) + bytes(100),
            'batch-short': bytes([1, 1]) + bytes(100),
            'nothing': b'',
    }.items():
        write('cifar10', name, data)


def idx_seeds():
    def idx(kind, *dimensions, content=b''):
        return struct.pack('>HBB', 0, kind, len(dimensions)) + struct.pack(f'>{len(dimensions)}I', *dimensions) + content

    labels, images = idx(8, 3, content=b'\0\1\x09'), idx(8, 2, 28, 28, content=bytes(2 * 784))
    packed = gzip.compress(labels, mtime=0)
    for name, data in {
            'labels': labels,
            'label-ten': labels[:-1] + b'\x0a',
            'labels-short': labels[:-1],
            'labels-long': labels + b'0',
            'labels-huge': idx(8, 2**32 - 1),
            'images': images,
            'images-packed': gzip.compress(images, mtime=0),
            'images-huge': idx(8, 60000, 28, 28),
            'images-shape': idx(8, 1, 2**31, 2**31),
            'floats': idx(13, 1, 28, 28, content=bytes(4 * 784)),
            'header-short': images[:9],
            'nothing': b'',
            'packed': packed,
            'packed-short': packed[:-9],
            'packed-checksum': packed[:-8] + b'\0' * 4 + packed[-4:],
            'packed-twice': gzip.compress(packed, mtime=0),
    }.items():
        write('idx', name, data)


def pickle_seeds():
    for name, value, protocol in (
            ('labels', {'labels': [1, 2, 255, 256], 'batch_label': 'x'}, 2),
            ('labels-4', {b'labels': [1, 2, 3], b'filenames': [b'a.png', b'b.png']}, 4),
            ('labels-5', {b'data': bytearray(b'abc'), b'labels': []}, 5),
            ('nested', {'labels': [[1, (2, 3)], None, True, -1]}, 3),
            ('repeated', [['a'] * 3, 'a', ('a', 'a')], 2)):
        write('pickle', name, pickle.dumps(value, protocol=protocol))
    array = (b'cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87R(K\x01M\x10\x27M\x00\x0c\x86cnumpy\ndtype\n'
             b'U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x03\x00\x00\x00abctb')
    write('pickle', 'array', b'\x80\x02}(U\x04data' + array + b'u.')
    write('pickle', 'frombuffer', b'\x80\x05}\x94\x8c\x04data\x8c\x12numpy.core.numeric\x94\x8c\x0b_frombuffer\x93'
          b'(\x96\x03\0\0\0\0\0\0\0abc\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02u1K\0K\1\x87RM\x10\x27M\0\x0c\x86\x8c\x01CtRs.')
    write('pickle', 'call', b'\x80\x02cposix\nsystem\nU\x02ls\x85R.')
    write('pickle', 'length', b'\x80\x04\x8e' + b'\xff' * 7 + b'\x7f')


def safetensors(header, data=b'', length=None):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(',', ':')).encode()
    return struct.pack('<Q', len(text) if length is None else length) + text + data


def safetensors_seeds():
    def f32(begin, end, shape):
        return {'dtype': 'F32', 'shape': shape, 'data_offsets': [begin, end]}

    for name, data in {
            'two-tensors': safetensors({'__metadata__': {'format': 'pt'}, 'a': f32(0, 8, [2]), 'b': f32(8, 12, [])}, bytes(12)),
            'empty': safetensors({}),
            'no-elements': safetensors({'a': f32(0, 0, [0, 3])}),
            'types': safetensors({'a': {'dtype': 'I64', 'shape': [1], 'data_offsets': [0, 8]},
                                  'b': {'dtype': 'BF16', 'shape': [1], 'data_offsets': [8, 10]}}, bytes(10)),
            'overlap': safetensors({'a': f32(0, 8, [2]), 'b': f32(4, 12, [2])}, bytes(12)),
            'hole': safetensors({'a': f32(0, 8, [2]), 'b': f32(12, 20, [2])}, bytes(20)),
            'control-characters': safetensors(b'{"__metadata__":{"f\\\n\n\x1b[31m":"pt"}}'),
            'behind-the-end': safetensors({'a': f32(0, 8, [2])}, bytes(4)),
            'more-at-the-end': safetensors({'a': f32(0, 8, [2])}, bytes(9)),
            'backwards': safetensors({'a': f32(8, 0, [2])}, bytes(8)),
            'shape-overflow': safetensors({'a': f32(0, 8, [2 ** 62, 2 ** 62])}, bytes(8)),
            'shape-wraps': safetensors({'a': f32(0, 8, [2 ** 63, 2, 1])}, bytes(8)),
            'shape-negative': safetensors({'a': f32(0, 8, [-2])}, bytes(8)),
            'unknown-type': safetensors({'a': {'dtype': 'F31', 'shape': [2], 'data_offsets': [0, 8]}}, bytes(8)),
            'duplicate-key': safetensors(b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},'
                                         b'"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}', bytes(8)),
            'header-too-long': safetensors({}, length=2 ** 63),
            'header-100-mb': safetensors({}, length=100_000_001),
            'header-shorter': safetensors({'a': f32(0, 8, [2])}, bytes(8), length=10),
            'header-array': safetensors(b'[]'),
            'header-spaces': safetensors(b'{}      '),
            'metadata-number': safetensors({'__metadata__': {'a': 1}}),
            'only-a-length': struct.pack('<Q', 2),
    }.items():
        write('safetensors', name, data)


def metrics_seeds():
    header = 'step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s\n'
    row = '{},1,{},2.30951834,0.109375,{},0.01,0.021,0.039\n'.format
    for name, text in {
            'two-rows': header + row(0, 0, ',') + row(1, 50, '2.3,0.1'),
            'header-only': header,
            'cut-off': header + row(0, 0, ',')[:20],
            'not-finite': header + '0,1,0,nan,0.1,inf,,0.01,0.02,0.03\n',
            'step-repeated': header + row(1, 0, ',') + row(1, 50, ','),
            'step-negative': header + row(-1, 0, ','),
            'step-too-large': header + row(2 ** 63, 0, ','),
            'too-few': header + '0,1,0\n',
            'too-many': header + row(0, 0, ',').replace('\n', ',1\n'),
            'other-header': 'a,b\n1,2\n',
            'carriage-returns': (header + row(0, 0, ',')).replace('\n', '\r\n'),
            'nul': header + '0,1,0,\0,,,,,,\n',
            'hexadecimal': header + '0,1,0,0x1p4,,,,,,\n',
            'long-line': header + '0' * 5000 + '\n',
    }.items():
        write('metrics', name, text)


CONFIG = """batch_size: 128
checkpoint_every: null
data_corruption_type: none
experiment_name: MLP1_0.5_none
figure1: true
label_corruption_prob: 0.5
learning_rate: 0.01
model_name: MLP1
milestones: [100, 200]
scheduler: multi-step
num_epochs: 10
seed: 42
"""


def config_seeds():
    for name, text in {
            'published': CONFIG,
            'anchor': 'seed: &a 1\nbatch_size: *a\n',
            'tag': 'seed: !!int 1\n',
            'second-document': 'seed: 1\n---\nseed: 2\n',
            'nested': 'model_name: {a: {b: c}}\n',
            'list-in-list': 'milestones: [[1]]\n',
            'key-twice': 'seed: 1\nseed: 2\n',
            'key-unknown': 'leraning_rate: 0.1\n',
            'key-list': '? [a, b]\n: c\n',
            'many-items': 'milestones: [' + '1, ' * 1100 + ']\n',
            'many-keys': ''.join(f'k{i}: 1\n' for i in range(300)),
            'not-finite': 'learning_rate: .inf\nmomentum: .nan\n',
            'number-huge': 'num_epochs: 99999999999999999999\nlearning_rate: 1e999\n',
            'name-with-slashes': 'experiment_name: ../../etc/passwd\n',
            'name-long': 'experiment_name: ' + 'x' * 400 + '\n',
            'quoted-escapes': 'experiment_name: "a\\0b\\n\\x1b"\n',
            'block-scalar': 'experiment_name: |\n  two\n  lines\n',
            'tabs': 'seed:\t1\n',
            'not-utf-8': b'experiment_name: \xff\xfe\n',
            'utf-16': CONFIG.encode('utf-16'),
            'byte-order-mark': b'\xef\xbb\xbf' + CONFIG.encode(),
            'nothing': '',
            'list-only': '- a\n- b\n',
    }.items():
        write('config', name, text)


def http_seeds():
    body = b'{"a":1}'
    for name, answer in {
            'plain': b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n' + body,
            'chunked': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n' + body + b'\r\n0\r\n\r\n',
            'chunk-huge': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n' + body,
            'cut-short': b'HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n' + body,
            'length-negative': b'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n' + body,
            'length-huge': b'HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n' + body,
            'retry-after': b'HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n',
            'redirect-to-file': b'HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n',
            'range': b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/3\r\nContent-Length: 7\r\n\r\n' + body,
            'compressed': b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n' + body,
            'header-long': b'HTTP/1.1 200 OK\r\nX: ' + b'a' * 200000 + b'\r\n\r\n',
            'not-http': b'SSH-2.0-OpenSSH\r\n',
            'nothing': b'',
    }.items():
        write('http', name, b'\0' + answer)
        write('http', name + '-download', b'\1' + answer)
        write('http', name + '-sync', b'\2' + answer)
    for name, status, text in (
            ('good', 200, '{"experiment":{"experiment_id":"1"},"experiment_id":"1","run":{"info":{"run_id":"a",'
                          '"artifact_uri":"mlflow-artifacts:/1/a"}},"experimentKey":"a","defaultWorkspaceName":"w"}'),
            ('echo', 401, '{"message":"bad fuzz-token-0123456789","msg":"bad fuzz-token-0123456789"}'),
            ('echo-cut', 401, '{"message":"' + 'x' * 185 + 'fuzz-token-0123456789"}'),
            ('echo-no-json', 200, 'fuzz-token-0123456789'),
            ('echo-names', 200, '{"experiment":{"experiment_id":"fuzz-token-0123456789"},"experimentKey":"fuzz-token-0123456789",'
                                '"defaultWorkspaceName":"fuzz-token-0123456789"}'),
            ('steering', 200, '{"experiment":{"experiment_id":"1"},"run":{"info":{"run_id":"a",'
                              '"artifact_uri":"mlflow-artifacts:/../../x"}}}'),
            ('names', 200, '{"experiment":{"experiment_id":"../1"},"run":{"info":{"run_id":"a b"}},"experimentKey":"a\\u001b"}'),
            ('types', 200, '{"experiment":[1],"run":{"info":7},"experimentKey":{},"defaultWorkspaceName":null}'),
            ('values', 200, '[' + '{},' * 3000 + '{}]')):
        answer = f'HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}'.encode()
        write('http', 'sync-' + name, b'\2' + answer)


def spool_seeds():
    start = '{"to":"mlflow","seq":1,"at":1,"type":"start","resumed":false,"start_step":0,"name":"a"}\n'
    point = '{"to":"mlflow","seq":%s,"at":1,"type":"point","step":%s,"epoch":1,"train_loss":%s}\n'
    for name, text in {
            'good': start + point % (2, 0, 0.5) + point % (3, 1, '"Infinity"'),
            'resumed': start + point % (2, 0, 1) + start.replace('false', 'true').replace(':1,', ':3,', 1),
            'void': start + point % (2, 5, 1) + '{"to":"mlflow","seq":3,"at":1,"type":"start","resumed":true,"start_step":2}\n',
            'others': start.replace('mlflow', 'comet') + point % (2, 0, 1),
            'epoch-huge': start + '{"to":"mlflow","seq":2,"at":1,"type":"point","step":1,"epoch":1e300}\n'
                          '{"to":"mlflow","seq":3,"at":1,"type":"threshold","step":1,"epoch":1e300}\n',
            'epoch-huge-comet': start.replace('mlflow', 'comet') +
                                '{"to":"comet","seq":2,"at":1,"type":"threshold","step":1,"epoch":1e300}\n',
            'model-outside': start + '{"to":"mlflow","seq":2,"at":1,"type":"finish","step":1,"status":"finished",'
                             '"model":"../../../outside"}\n',
            'whole': start + point % (2, 0, 0.5) + '{"to":"mlflow","seq":3,"at":1,"type":"threshold","step":0,"epoch":1}\n'
                     '{"to":"mlflow","seq":4,"at":1,"type":"finish","step":0,"status":"finished","model":"e_001","wall_s":1}\n',
            'torn': start + point[:20],
            'torn-inside': start[:30] + '\n' + point % (2, 0, 1),
            'empty-lines': '\n\n' + start,
            'not-objects': '[]\n1\nnull\n"x"\n' + start,
            'types': '{"to":1}\n{"to":"mlflow","seq":"1"}\n{"to":"mlflow","seq":1,"at":1,"type":"x"}\n',
            'number-large': point % (9223372036854775807, 0, 1),
            'number-negative': point % (-5, -5, 1),
            'step-large': start.replace('"start_step":0', '"start_step":-9223372036854775808') +
                          point % (2, 9223372036854775807, 1),
            'nul': start.replace('a"}', '\0"}'),
            'nothing': '',
    }.items():
        write('spool', name, text)


RESULT = """{
  "format": 1,
  "version": "0.1.0",
  "experiment_name": "MLP1_1.0_none",
  "model_name": "MLP1",
  "bn": true,
  "label_corruption_prob": 1.0,
  "data_corruption_type": "none",
  "seed": 42,
  "learning_rate": 0.01,
  "batch_size": 128,
  "curve": false,
  "figure1": true,
  "epochs": 32,
  "step": 96,
  "batches_per_epoch": 79,
  "log_every": 50,
  "state": "finished",
  "threshold": {
    "epoch": 32,
    "step": 95,
    "wall_s": 13.845295952000015,
    "cpu_s": 11.429979145999999,
    "training_flops": 1551237120000.0,
    "minutes": 0.2307549325333336,
    "train_loss": 0.04985689828977752,
    "train_acc": 0.9993,
    "test_loss": 4.9154435092487665,
    "test_acc": 0.1055,
    "test_error": 0.8945
  },
  "final": {
    "train_loss": 0.04985689828977752,
    "train_acc": 0.9993,
    "test_loss": 4.9154435092487665,
    "test_acc": 0.1055,
    "test_error": 0.8945
  },
  "data": {
    "name": "shapes10",
    "source": "made by the program",
    "official": false,
    "digest": "0000000000000000000000000000000000000000000000000000000000000000",
    "corruption_digest": "0000000000000000000000000000000000000000000000000000000000000000",
    "train_size": 10000,
    "test_size": 2000
  },
  "engine": "native",
  "isa": "avx512",
  "threads": 2,
  "parameters": 1209866,
  "training_flops": 1551237120000.0,
  "wall_s": 14.392354683000121,
  "cpu_s": 11.518973984999999,
  "peak_memory_bytes": 93339648,
  "machine": {
    "cpu": "a CPU",
    "cores": 2,
    "os": "Linux"
  }
}
"""
STATE = """{
  "format": 1,
  "version": "0.1.0",
  "model_name": "MLP1",
  "epochs": 32,
  "batches": 0,
  "step": 96,
  "serial": 2528,
  "loss_sum": 0.0,
  "correct": 0,
  "images": 0,
  "train_loss": 0.04985689828977752,
  "train_acc": 0.9993,
  "test_loss": 4.9154435092487665,
  "test_acc": 0.1055,
  "wall_s": 14.029761339999823,
  "cpu_s": 11.466775829,
  "data_name": "shapes10",
  "data_source": "made by the program",
  "data_digest": "0000000000000000000000000000000000000000000000000000000000000000",
  "corruption_digest": "0000000000000000000000000000000000000000000000000000000000000000",
  "engine": "native",
  "isa": "avx512",
  "metrics_size_bytes": 4746,
  "metrics_digest": "0000000000000000000000000000000000000000000000000000000000000000",
  "threshold": {
    "epoch": 32,
    "step": 95,
    "wall_s": 13.845295952000015,
    "cpu_s": 11.429979145999999,
    "training_flops": 1551237120000.0,
    "minutes": 0.2307549325333336,
    "train_loss": 0.04985689828977752,
    "train_acc": 0.9993,
    "test_loss": 4.9154435092487665,
    "test_acc": 0.1055,
    "test_error": 0.8945
  }
}
"""


def result_seeds():
    for name, text in {
            'finished': RESULT,
            'no-threshold': RESULT[:RESULT.index('"threshold"')] + '"threshold": null,' + RESULT[RESULT.index('"final"'):],
            'state-unknown': RESULT.replace('"finished"', '"sleeping"'),
            'type-wrong': RESULT.replace('"epochs": 32', '"epochs": "32"'),
            'number-huge': RESULT.replace('"epochs": 32', '"epochs": 1e300'),
            'text-long': RESULT.replace('"native"', '"' + 'x' * 300 + '"'),
            'format-other': RESULT.replace('"format": 1', '"format": 2'),
            'cut-off': RESULT[:400],
            'array': '[]',
    }.items():
        write('result', name, text)


def checkpoint_seeds():
    """Four files in one: model, optimizer, config, state; see fuzz_checkpoint.c."""
    model = safetensors({'classifier.bias': {'dtype': 'F32', 'shape': [10], 'data_offsets': [0, 40]}}, bytes(40))
    optimizer = safetensors({'momentum.classifier.bias': {'dtype': 'F32', 'shape': [10], 'data_offsets': [0, 40]}}, bytes(40))
    for name, files in {
            'whole': (model, optimizer, CONFIG, STATE),
            'no-state': (model, optimizer, CONFIG, ''),
            'state-negative': (model, optimizer, CONFIG, STATE.replace('"epochs": 32', '"epochs": -32')),
            'state-huge': (model, optimizer, CONFIG, STATE.replace('"step": 96', '"step": 9223372036854775807')),
            'metrics-negative': (model, optimizer, CONFIG, STATE.replace('"metrics_size_bytes": ', '"metrics_size_bytes": -')),
            'config-broken': (model, optimizer, 'a: [', STATE),
            'model-cut-short': (model[:-3], optimizer, CONFIG, STATE),
            'optimizer-missing': (model, b'', CONFIG, STATE),
            'other-model': (model, optimizer, CONFIG.replace('MLP1', 'WRN'), STATE),
    }.items():
        write('checkpoint', name, b'\n===\n'.join(f if isinstance(f, bytes) else f.encode() for f in files))


HEADER = 'step,epoch,batch,train_loss,train_acc,test_loss,test_acc,learning_rate,wall_s,cpu_s\n'


def run_seeds():
    """Three files in one: result.json, metrics.csv, config.yaml; see fuzz_run.c."""
    metrics = HEADER + ''.join(f'{i},{1 + i // 3},{i % 3 * 39},{2.3 / (1 + i)},{min(1, i / 90)},,,0.01,{i}.500,{i}.250\n' for i in range(96))
    seeds = RESULT.replace('MLP1_1.0_none', 'seedMLP1_1.0_none')
    for name, files in {
            'whole': (RESULT, metrics, CONFIG),
            'seeds': (seeds, metrics, CONFIG),
            'command': (seeds.replace('1.0_none', '1\\n;system(\\"id\\")#'), metrics, CONFIG),
            'quote': (seeds.replace('1.0_none', "1';system('id');'"), metrics, CONFIG),
            'controls': (RESULT.replace('"native"', '"\\u001b[2J\\u202e"'), metrics, CONFIG),
            'page': (RESULT.replace('"native"', '"</script><script>alert(1)</script>"'), metrics, CONFIG),
            'not-finite': (RESULT, HEADER + '0,1,0,nan,0,,,0.01,0.1,0.1\n1,1,1,inf,0,,,0.01,0.1,0.1\n', CONFIG),
            'huge': (seeds, HEADER + ''.join(f'{i},1,{i},9e44,1,9e44,1,0.01,1.0,1.0\n' for i in range(9)), CONFIG),
            'divisor': (RESULT.replace('"batches_per_epoch": 79', '"batches_per_epoch": 0'), metrics, CONFIG),
            'no-metrics': (RESULT, '', CONFIG),
            'no-result': ('', metrics, CONFIG),
    }.items():
        write('run', name, '\n===\n'.join(files))


def main():
    archive_seeds()
    checkpoint_seeds()
    cifar10_seeds()
    config_seeds()
    http_seeds()
    idx_seeds()
    json_seeds()
    label_seeds()
    pickle_seeds()
    safetensors_seeds()
    metrics_seeds()
    result_seeds()
    run_seeds()
    spool_seeds()


main()
