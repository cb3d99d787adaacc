"""The engines of the program, through librethink_probe.so (probe.c)."""
import ctypes

import numpy

GUARD = 64  # values before and behind each array
TENSOR, GRADIENT, STATE = range(3)  # enum rt_state, as probe.c asserts; STATE + k: the optimiser's k-th


def load_library(path):
    library = ctypes.CDLL(str(path))
    library.probe_open.restype = ctypes.c_void_p
    library.probe_multiply_adds.restype = ctypes.c_double
    return library


class Guarded:
    """An array of NaN between guard values."""

    def __init__(self, count, dtype):
        self.all = numpy.full(count + 2 * GUARD, 12345.678, dtype)
        self.values = self.all[GUARD:-GUARD]
        self.values[:] = numpy.nan

    def intact(self):
        fence = self.all.dtype.type(12345.678)
        return bool((self.all[:GUARD] == fence).all() and (self.all[-GUARD:] == fence).all())


class Probe:
    """A plan of the library."""

    def __init__(self, library, engine, network, shape, batch_max, training, input_gradient=False, winograd=True,
                 threads=1, optimizer=0):
        self.lib = library
        message = ctypes.create_string_buffer(1024)
        dims = (ctypes.c_int * 3)(*shape) if shape else None
        flags = training | 2 * input_gradient | 4 * winograd | optimizer << 8
        self.handle = library.probe_open(engine.encode(), network.encode(), dims, batch_max, flags, ctypes.c_uint64(7),
                                         threads, message, 1024)
        if not self.handle:
            raise RuntimeError(message.value.decode())
        self.handle = ctypes.c_void_p(self.handle)
        self.dtype = numpy.float32 if library.probe_real_size(self.handle) == 4 else numpy.float64
        self.outputs = library.probe_output_count(self.handle)
        self.tensors = {}
        name, is_count, count = ctypes.create_string_buffer(128), ctypes.c_int(), ctypes.c_int()
        while library.probe_tensor(self.handle, len(self.tensors), name, 128, ctypes.byref(is_count),
                                   ctypes.byref(count)):
            self.tensors[name.value.decode()] = (len(self.tensors), bool(is_count.value), count.value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.probe_close(self.handle)

    def initialize(self, seed):
        assert self.lib.probe_initialize(self.handle, seed) == 0

    def load(self, module):
        for key, value in module.state_dict().items():
            i, is_count, count = self.tensors[key]
            values = numpy.ascontiguousarray(value.numpy(), numpy.int64 if is_count else self.dtype)
            assert values.size == count
            self.lib.probe_import(self.handle, 0, i, values.ctypes.data_as(ctypes.c_void_p))

    def state(self, key, which=TENSOR):
        i, is_count, count = self.tensors[key]
        out = Guarded(count, numpy.float64 if is_count else self.dtype)
        self.lib.probe_export(self.handle, which, i, out.values.ctypes.data_as(ctypes.c_void_p))
        assert out.intact(), f"export of {key} wrote outside its array"
        return out.values.view(numpy.int64) if is_count else out.values

    def run(self, x, dy=None, input_gradient=False):
        """y and dx."""
        x, count = numpy.ascontiguousarray(x, self.dtype), len(x)
        y, dx = Guarded(count * self.outputs, self.dtype), Guarded(x.size, self.dtype)
        before = x.copy()
        pointer = ctypes.c_void_p
        if dy is not None:
            dy = numpy.ascontiguousarray(dy, self.dtype)
        self.lib.probe_run(self.handle, x.ctypes.data_as(pointer), count, y.values.ctypes.data_as(pointer),
                           dy.ctypes.data_as(pointer) if dy is not None else None,
                           dx.values.ctypes.data_as(pointer) if input_gradient else None)
        assert y.intact() and dx.intact(), "wrote outside y or dx"
        assert numpy.array_equal(x, before, equal_nan=True), "wrote into x"
        return y.values, dx.values

    def train(self, images, labels, serial=0, sgd=None):
        images = numpy.ascontiguousarray(images, self.dtype)
        loss, correct = ctypes.c_double(), ctypes.c_int()
        self.lib.probe_train(self.handle, images.ctypes.data_as(ctypes.c_void_p),
                             labels.ctypes.data_as(ctypes.c_void_p), len(labels), serial,
                             (ctypes.c_double * 3)(*sgd) if sgd else None, ctypes.byref(loss), ctypes.byref(correct))
        return loss.value / len(labels), correct.value

    def evaluate(self, images, labels):
        images = numpy.ascontiguousarray(images, self.dtype)
        loss, correct = ctypes.c_double(), ctypes.c_int()
        predictions = numpy.full(len(labels), 255, numpy.uint8)
        self.lib.probe_evaluate(self.handle, images.ctypes.data_as(ctypes.c_void_p),
                                labels.ctypes.data_as(ctypes.c_void_p), len(labels), ctypes.byref(loss),
                                ctypes.byref(correct), predictions.ctypes.data_as(ctypes.c_void_p))
        return loss.value / len(labels), correct.value, predictions
