"""A batch of CIFAR-10 as Python 2 pickled it; pixels are a bytearray or a NumPy array."""
import struct


class Python2:
    """Writes a batch as cPickle did at protocol 2: the published files (github.com/python/cpython, 2.7, Modules/cPickle.c)."""

    def __init__(self):
        self.out, self.remembered = bytearray(), 0

    def put(self):
        self.out += b'q' + bytes([self.remembered]) if self.remembered < 256 else b'r' + struct.pack('<I', self.remembered)
        self.remembered += 1

    def string(self, text):
        self.out += (b'U' + bytes([len(text)]) if len(text) < 256 else b'T' + struct.pack('<i', len(text))) + text
        self.put()

    def number(self, value):
        self.out += b'K' + bytes([value]) if value < 256 else b'M' + struct.pack('<H', value)

    def list(self, values, write):
        self.out += b']'
        self.put()
        for i in range(0, len(values), 1000):
            self.out += b'('
            for value in values[i:i + 1000]:
                write(value)
            self.out += b'e'

    def array(self, values):
        for name in (b'numpy.core.multiarray\n_reconstruct\n', b'numpy\nndarray\n'):
            self.out += b'c' + name
            self.put()
        self.out += b'K\x00\x85'
        self.put()
        self.string(b'b')
        self.out += b'\x87'
        self.put()
        self.out += b'R'
        self.put()
        self.out += b'(K\x01M\x10\x27M\x00\x0c\x86'
        self.put()
        self.out += b'cnumpy\ndtype\n'
        self.put()
        self.string(b'u1')
        self.out += b'K\x00K\x01\x87'
        self.put()
        self.out += b'R'
        self.put()
        self.out += b'(K\x03'
        self.string(b'|')
        self.out += b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t'
        self.put()
        self.out += b'b\x89'
        self.string(bytes(values))
        self.out += b't'
        self.put()
        self.out += b'b'

    def batch(self, batch):
        self.out += b'\x80\x02}'
        self.put()
        self.out += b'('
        for key, value in batch.items():
            self.string(key)
            if isinstance(value, bytes):
                self.string(value)
            elif isinstance(value, list):
                self.list(value, self.number if isinstance(value[0], int) else self.string)
            else:
                self.array(value)
        self.out += b'u.'
        return bytes(self.out)
