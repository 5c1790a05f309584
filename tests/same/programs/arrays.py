"""NumPy's arrays, of every type and layout, after they went to another process and back."""

import collections
import dataclasses
import multiprocessing as mp
import os
import tempfile

from telling import differs, program, run_programs, show
from travelling import other_process, travelled

try:
    import numpy as np
except ImportError:  # nothing to run without it
    np = None

Sample = collections.namedtuple("Sample", "name data")

# Items of an array that is sent inside its message, and of one that has a block of its own.
SIZES = (0, 1, 7, 40000)


@dataclasses.dataclass
class Measurement:
    name: str
    data: object
    parts: dict = dataclasses.field(default_factory=dict)


if np is not None:

    class Tagged(np.ndarray):
        """The subclass of NumPy's documentation, with an attribute that pickling loses."""

        def __new__(cls, data, tag=None):
            instance = np.asarray(data).view(cls)
            instance.tag = tag
            return instance

        def __array_finalize__(self, other):
            self.tag = getattr(other, "tag", "none")

    class Watching(np.ndarray):
        """Notes what it looked like when it was made."""

        def __array_finalize__(self, other):
            self.seen = (self.shape, self.dtype.str, type(other).__name__)

    class Keeping(Tagged):
        def __reduce__(self):
            function, arguments, state = super().__reduce__()
            return function, arguments, (state, self.tag)

        def __setstate__(self, state):
            super().__setstate__(state[0])
            self.tag = state[1]


def tell(*arrays):
    for array in arrays:
        came = travelled(array)
        flags = came.flags
        print(
            f"{type(came).__name__} {came.dtype.str} {came.shape} writeable={flags.writeable} "
            f"C={flags.c_contiguous} F={flags.f_contiguous} aligned={flags.aligned} "
            f"{came.dtype == array.dtype and came.tobytes() == array.tobytes()} "
            f"{came.tolist()!r:.80}"
        )


@program
def every_plain_type():
    for code in "?bBhHiIlLqQefdgFDG":
        tell(*(np.arange(size).astype(code) for size in SIZES))


@program
def long_and_long_long():
    for code in "lqLQ":
        for size in (3, 40000):
            came = travelled(np.zeros(size, code))
            print(code, came.dtype.char, came.dtype.num == np.dtype(code).num)


@program
def scalars():
    for value in (np.float64(0.5), np.int8(-3), np.bool_(True), np.str_("s"), np.bytes_(b"b")):
        came = travelled(value)
        print(type(came).__name__, came.dtype, came == value)
    for value in (
        np.datetime64("2024-01-01"),
        np.timedelta64(5, "D"),
        np.complex64(1j),
        np.longdouble(1) / 3,
    ):
        came = travelled([value])[0]
        print(type(came).__name__, came.dtype, came == value)


@program
def special_numbers():
    came = travelled(np.array([np.nan, np.inf, -np.inf, -0.0]))
    print(came, np.signbit(came))


@program
def without_dimensions():
    tell(np.array(5), np.array(2.5, "f4"), np.array("text"), np.array([])[:0], np.zeros((0, 3)))
    tell(np.zeros((2, 0, 3)), np.zeros((1, 1, 1)), np.array(None, object))


@program
def many_dimensions():
    tell(
        np.arange(2**12).reshape((2,) * 12), np.zeros((1,) * 32), np.arange(24).reshape(1, 2, 3, 4)
    )


@program
def order_of_fortran():
    for shape in ((3, 4), (200, 300), (2, 3, 4), (30, 40, 50)):
        tell(np.asfortranarray(np.arange(np.prod(shape)).reshape(shape)))
    tell(np.arange(60000.0).reshape(200, 300).T, np.arange(6).reshape(2, 3).T)


@program
def views_with_gaps():
    for size in (20, 100000):
        base = np.arange(size)
        tell(base[::2], base[::-1], base[5:], base[1:-1:3], base[:0])
    square = np.arange(90000).reshape(300, 300)
    tell(square[:, 1], square[::2, ::3], square[:, ::-1], square[5:9], square[:, :200])


@program
def axes_in_other_orders():
    for shape in ((2, 3, 4), (30, 40, 50)):
        cube = np.arange(np.prod(shape)).reshape(shape)
        tell(cube.transpose(1, 0, 2), cube.transpose(2, 0, 1), cube.swapaxes(0, 1)[::2])
        tell(np.moveaxis(cube, 0, -1), cube[:, None], cube.T[:, ::-1])


@program
def layouts_in_objects():
    for shape in ((2, 3, 4), (30, 40, 50)):
        for code in ("i4", "M8[s]", "U2", "O"):
            cube = np.arange(np.prod(shape)).astype("i8").astype(code).reshape(shape)
            for array in (cube, cube.T, cube.transpose(1, 0, 2), cube[::-1], cube[:, ::2], cube[1]):
                came = travelled(Measurement(code, array)).data
                print(code, came.flags.c_contiguous, came.flags.f_contiguous, came.strides)
                print((came == array).all(), came.flags.writeable, came.flags.aligned)


@program
def broadcast_views():
    tell(np.lib.stride_tricks.sliding_window_view(np.arange(10), 4, writeable=True))
    for array in (np.broadcast_to(np.arange(3), (4, 3)), np.broadcast_to(1.5, (300, 300))):
        came = travelled(array)
        print(came.shape, came.strides, came.sum(), came.flags.c_contiguous)


@program
def not_aligned():
    for size in (5, 30000):
        raw = np.zeros(8 * size + 1, "u1")
        array = raw[1:].view("f8")
        array[:] = range(size)
        tell(array)


@differs(
    "A contiguous array keeps its byte order.",
    "f8 f8 True\nf8 f8 True\n",
)
def order_of_bytes():
    other = np.dtype("f8").newbyteorder()
    for size in (3, 40000):
        came = travelled(np.arange(size).astype(other))
        print(came.dtype == other and "f8", came.dtype.str[1:], (came == np.arange(size)).all())


@program
def order_of_bytes_with_gaps():
    for code in (">i4", ">f8", ">u2", ">c16", ">m8[s]"):
        tell(np.arange(30).astype(code)[::2], np.arange(90000).astype(code)[::-1])


@program
def structured():
    kind = np.dtype([("a", "i4"), ("b", "f8", (2,)), ("c", "U3"), ("d", [("x", "u1"), ("y", "?")])])
    for size in SIZES:
        array = np.zeros(size, kind)
        array["a"] = range(size)
        array["c"] = "xyz"
        tell(array)
    print(travelled(kind) == kind)


@program
def structured_with_padding():
    kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    offsets = np.dtype(
        {"names": ["p", "q"], "formats": ["i2", "i4"], "offsets": [4, 8], "itemsize": 16}
    )
    for each in (kind, offsets):
        for size in (4, 9000):
            came = travelled(np.zeros(size, each))
            print(came.dtype, came.dtype.itemsize, came.dtype.isalignedstruct)
    part = np.zeros(20000, kind)["b"]
    tell(part)


@program
def what_lies_between_fields():
    kind = np.dtype({"names": ["p", "q"], "formats": ["i2", "M8[s]"], "offsets": [4, 16]})
    for size in (4, 9000):
        array = np.frombuffer(bytes(range(1, 25)) * size, kind).copy()
        for part in (array, array[::2], array[::-1], array.view(np.recarray)[::2]):
            came = travelled(part)
            print(type(came).__name__, came.tobytes() == part.tobytes())


@program
def dates():
    for unit in ("Y", "M", "D", "h", "s", "ms", "us", "ns", "25s"):
        for size in (3, 40000):
            tell(np.arange(size).astype(f"M8[{unit}]"), np.arange(size).astype(f"m8[{unit}]"))
    tell(np.array(["NaT", "2024-02-29"], "M8[D]"), np.array([1], "m8"))


@program
def dates_of_every_layout():
    for size in (6, 90000):
        array = np.arange(size).astype("M8[ms]")
        tell(array[::2], array[::-1], array.astype(">M8[ms]"), array.astype(">m8[D]")[::3])
        tell(array.reshape(2, -1).T, array.reshape(3, -1)[:, ::2], array.reshape(1, -1, 1))
        tell(np.broadcast_to(array[:1], (size // 3, 3)).copy()[:, :2], array[: size // 2])
        tell(array.astype("M8[ms]").view([("when", "M8[ms]")]), array.view("i8"))
        came = travelled(np.broadcast_to(array, (2, size)))
        print(came.shape, came.strides, came.flags.c_contiguous, came.flags.writeable)
        array.flags.writeable = False
        tell(array, array[::2], array.view(np.recarray), Measurement("dates", array).data)


@program
def dates_in_objects():
    for size in (3, 40000):
        dates = np.arange(size).astype("m8[us]")
        came = travelled([Measurement("a", dates, {"again": dates}), {1}, dates[::2]])
        came[0].data[0] = 7
        print(came[0].parts["again"] is came[0].data, came[0].parts["again"][0], dates[0])
        print(came[2].dtype, came[2].sum())


@program
def texts():
    tell(np.array(["a", "bcd", "ä€😀"]), np.array([b"a", b"bcd\0"]), np.array(["x" * 50] * 2000))
    tell(np.array(["", ""]), np.zeros(3, "S0"), np.zeros(3, "U0"), np.zeros(4, "V5"))
    tell(np.char.array(["a", "b"]))


@program
def variable_texts():
    kind = getattr(np.dtypes, "StringDType", None) if hasattr(np, "dtypes") else None
    if kind is None:
        print("not in this version")
        return
    came = travelled(np.array(["short", "long" * 100], kind()))
    print(came.dtype, came.tolist())


@program
def objects():
    shared = [1]
    came = travelled(np.array([shared, shared, None, {"a": 1}, "text"], object))
    print(came.dtype, came[0] is came[1], came)
    came = travelled([np.array([shared, 2], object), shared])
    print(came[0][0] is came[1])
    came = travelled(np.arange(20000).astype(object))
    print(came.dtype, came.sum(), type(came[5]))


@program
def objects_that_hold_their_array():
    array = np.array([None, 1], object)
    array[0] = [array]
    came = travelled(array)
    print(came[0][0] is came)


@program
def objects_that_cannot_be_pickled():
    reader, writer = mp.Pipe(duplex=False)
    show(writer.send, np.array([show.__globals__["sys"]], object))
    writer.send(np.arange(3))
    print(reader.recv())


@program
def matrices():
    for size in (2, 200):
        came = travelled(np.matrix(np.arange(size * size).reshape(size, size)))
        print(type(came).__name__, came.shape, (came * came).sum(), came.flags.writeable)


@program
def masked_arrays():
    for size in (4, 40000):
        array = np.ma.masked_array(np.arange(size), np.arange(size) % 2 == 0, fill_value=-7)
        came = travelled(array)
        print(type(came).__name__, came, came.fill_value, came.count(), came.mask.sum())
        came[1] = np.ma.masked
        print(came.count())
    print(travelled(np.ma.masked) is np.ma.masked, travelled(np.ma.array([1], mask=False)).mask)


@program
def masked_arrays_of_every_layout():
    def tell_masked(array):
        came = travelled(array)
        flags = came.flags
        print(came.dtype, came.shape, flags.c_contiguous, flags.f_contiguous, flags.writeable)
        print(came.mask.dtype, came.mask.shape, came.mask.sum(), came.fill_value)
        print(came.sharedmask, came.hardmask, (came.data == array.data).all(), came)
        came[came.shape[0] // 2] = np.ma.masked
        print(came.count(), type(came.data).__name__, type(came.mask).__name__)

    for size in (6, 90000):
        array = np.ma.masked_array(np.arange(size), np.arange(size) % 3 == 0)
        for each in (array, array[::2], array.reshape(2, -1).T, array.astype(">i4"), array[:0:-1]):
            tell_masked(each)
        tell_masked(np.ma.masked_array(np.arange(size)))
        tell_masked(np.ma.masked_array(np.arange(size).astype("M8[s]"), fill_value=0))
        tell_masked(np.ma.masked_array(np.arange(size).reshape(-1, 2).view(np.matrix)))
        pairs = np.ma.array(
            [(1, 2.0)] * size, mask=[(0, 1)] * size, dtype=[("a", "i4"), ("b", "f8")]
        )
        came = travelled(pairs)
        print(came.dtype, came.mask.dtype, came[0], came.fill_value)
        hard = np.ma.masked_array(np.arange(size), np.arange(size) == 1, hard_mask=True)
        hard.note = "lost or not"
        came = travelled(hard)
        print(came.hardmask, getattr(came, "note", None))


@program
def record_arrays():
    for size in (2, 20000):
        array = np.rec.array([(1, 2.5, "a")] * size, dtype=[("n", "i4"), ("r", "f8"), ("s", "U1")])
        came = travelled(array)
        print(type(came).__name__, came.n[1], came[0], type(came[0]).__name__, came.dtype)


@program
def mapped_files():
    with tempfile.TemporaryDirectory() as folder:
        for size in (10, 50000):
            mapped = np.memmap(os.path.join(folder, "data"), "f8", "w+", shape=(size,))
            mapped[:] = 1
            came = travelled(mapped)
            came[0] = 5
            print(type(came).__name__, came.sum(), mapped[0], came.flags.writeable)
            print(type(travelled(mapped[::2])).__name__)
            del mapped


@program
def subclasses():
    for size in (3, 30000):
        for kind in (Tagged, Keeping):
            came = travelled(kind(np.arange(size), "tag"))
            print(type(came).__name__, came.tag, came.sum(), came.flags.writeable)


@program
def subclasses_of_every_layout():
    for size in (6, 90000):
        for kind in (Tagged, Keeping, Watching, np.matrix, np.recarray):
            array = np.arange(size).view(kind)
            array.flags.writeable = False
            flat = array.reshape(-1)
            square = np.arange(size).reshape(2, -1)
            tell(array, flat[..., ::2].view(kind), square.T.view(kind), square[:, ::-1].view(kind))
            tell(square.astype(">f4").view(kind), square.astype("M8[D]").view(kind))
        came = travelled([array, {1}, array, array[:1]])
        print(came[0] is came[2], type(came[3]).__name__)
    print(travelled(np.arange(9000.0).view(Watching)).seen)
    print(travelled(np.array([{1}, None], object).view(Watching)))


@program
def types_with_metadata():
    kind = np.dtype("f8", metadata={"unit": "m"})
    for size in (3, 30000):
        came = travelled(np.zeros(size, kind))
        print(came.dtype, came.dtype.metadata)
    print(np.dtype(kind).metadata, travelled(np.dtype("f4")), travelled(np.dtype(">i8")))


@differs(
    "A read-only array arrives read-only.",
    "False\nFalse\nFalse\n",
)
def read_only_ones():
    for array in (np.arange(3), np.arange(40000), np.arange(40000).reshape(200, 200).T):
        array.flags.writeable = False
        print(travelled(array).flags.writeable)


@program
def received_ones_are_writable():
    base = np.arange(40000)
    for array in (base, base[:3], base[::2], base.reshape(200, 200).T, base.astype("M8[s]")):
        came = travelled(array)
        came.flat[0] = 77
        print(came.flat[0], array.flat[0])
    frozen = np.broadcast_to(np.arange(3), (2, 3))
    print(frozen.flags.writeable)


@program
def in_data_classes_and_named_tuples():
    for size in (3, 40000):
        data = np.arange(size)
        came = travelled(Measurement("m", data, {"half": data[: size // 2]}))
        print(came.name, came.data.sum(), came.parts["half"].shape)
        came = travelled(Sample("s", data))
        print(type(came).__name__, came.data.sum())


@program
def in_containers():
    for size in (3, 40000):
        came = travelled(
            {"list": [np.ones(size)] * 2, ("t", 1): (np.zeros(size), {"d": np.ones(size)})}
        )
        print(came["list"][0].sum(), came[("t", 1)][0].sum(), came[("t", 1)][1]["d"].sum())
    came = travelled({frozenset([1]): np.ones(3), "deque": collections.deque([np.ones(40000)])})
    print(came)


@program
def one_array_twice():
    for size in (3, 40000):
        array = np.arange(size)
        came = travelled([array, array, {"again": array}])
        came[0][0] = 9
        print(came[0] is came[1], came[1] is came[2]["again"], came[2]["again"][0])


@program
def one_array_twice_in_objects():
    for size in (3, 40000):
        array = np.arange(size)
        came = travelled([Measurement("a", array), Measurement("b", array), array])
        came[2][0] = 9
        print(came[0].data is came[1].data is came[2], came[0].data[0])


@program
def array_and_its_views():
    for size in (6, 40000):
        array = np.arange(size)
        came = travelled([array, array[:2], array[::2], array.T])
        came[0][:] = 0
        print(came[1], came[2][1], came[3][0] if size < 10 else came[3].shape)


@program
def change_after_sending():
    for size in (3, 40000):
        reader, writer = mp.Pipe()
        helper = mp.Process(target=two_messages, args=(writer,))
        helper.start()
        array = np.zeros(size)
        for number in range(2):
            array += number
            reader.send(array)
            print(reader.recv())
        helper.join()


def two_messages(end):
    for _ in range(2):
        end.send(end.recv().sum())


@program
def temporaries():
    questions, answers = other_process()
    for size in (5, 40000, 300000):
        questions.put(np.ones(size))
        print(answers.recv().sum())
        questions.put([np.ones(size), (np.arange(size),)])
        came = answers.recv()
        print(came[0].sum(), came[1][0].sum())


@program
def sent_on_as_received():
    questions, answers = other_process()
    came = travelled(np.arange(50000))
    for _ in range(3):
        questions.put(came)
        other = answers.recv()
        came[0] += 1
        print(other[0], came[0], other is came)
        came = other + 1


@program
def generators_and_polynomials():
    came = travelled(np.random.default_rng(5))
    print(came.integers(0, 100, 5), np.random.default_rng(5).integers(0, 100, 5))
    came = travelled(np.random.RandomState(5))
    print(came.randint(0, 100, 5))
    print(travelled(np.polynomial.Polynomial([1, 2, 3])).coef, travelled(np.poly1d([1, 2])))


@program
def functions_and_types():
    for value in (np.add, np.mean, np.float32, np.ndarray, np.dtype("i4"), np.linalg.norm):
        print(travelled(value) is value)
    print(travelled(np.s_[1:2, ...]), travelled(np.errstate), travelled(np.vectorize))


@program
def in_arrays_of_processes():
    queue = mp.Queue()
    array = np.arange(30000.0)
    process = mp.Process(target=sum_up, args=(queue, array, array[::2], [array[:3]]))
    process.start()
    print(queue.get())
    process.join()


def sum_up(queue, whole, half, parts):
    whole[0] = -1
    queue.put((whole.sum(), half.sum(), parts[0].tolist(), whole.flags.writeable))


@program
def results_of_a_pool():
    with mp.Pool(2) as pool:
        for came in pool.map(np.ones, [3, 40000, (200, 300)]):
            np.add(came, 1, out=came)
            print(came.shape, came.sum(), came.flags.writeable)
        print(pool.apply(np.dot, (np.ones((200, 200)), np.ones(200)))[:3])


if __name__ == "__main__" and np is not None:
    run_programs()
