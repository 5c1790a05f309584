"""What values are after they went to a worker of a Pool and back, as arguments and as results."""

import array
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import multiprocessing as mp
import pathlib
import uuid
from multiprocessing import reduction
from multiprocessing.reduction import ForkingPickler

from telling import program, raised, run_programs

try:
    import numpy as np
except ImportError:  # without it only the others are shown
    np = None

Point = collections.namedtuple("Point", "x y")

LARGE = 70_000  # bytes: more than lies inside a message


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Record:
    name: str
    value: object


class Text(str):
    pass


class Data(bytes):
    pass


class Growing(bytearray):
    pass


class Words(array.array):
    pass


class Angle:
    def __init__(self, degrees):
        self.degrees = degrees


class Length(Angle):
    pass


class FailsToReduce:
    def __reduce__(self):
        raise LookupError("while reducing")


class FailsToRestore:
    def __reduce__(self):
        return fail, ("while restoring",)


def fail(text):
    raise LookupError(text)


def same(value):
    return value


def described(value):
    """What a worker sees of a value, in words."""
    return type(value).__name__, ascii(value)[:60], len(ascii(value))


def tell(*values):
    """Shows what workers see, and what comes back from them."""
    with mp.Pool(1) as pool:
        for seen, came in zip(pool.map(described, values), pool.imap(same, values)):
            print(*seen, described(came) == seen)


@program
def large_data():
    data = bytes(index % 251 for index in range(LARGE))
    for value in (data, bytearray(data), data.decode("latin1"), "\u20ac" * LARGE, "\udc80" * LARGE):
        tell(value, [{1}, value], Record("large", value), {"key": value, 1: {2}})
    tell({data}, {data: 1}, frozenset(["x" * LARGE]))


@program
def large_data_of_derived_classes():
    for value in (Text("x" * LARGE), Data(LARGE), Growing(LARGE), Words("d", [0.5] * LARGE)):
        value.note = "kept"
        with mp.Pool(1) as pool:
            came = pool.apply(same, (value,))
        print(type(came).__name__, came == value, came.note)


@program
def words_of_every_type():
    for code in "bBhHiIlLqQfd":
        tell(array.array(code, [1, 2, 3]), array.array(code, [7]) * LARGE)
    tell(array.array("u", "text"), array.array("u", "\u20ac") * LARGE)


@program
def received_words_grow():
    with mp.Pool(1) as pool:
        for value in (bytearray(LARGE), array.array("d", [1.0]) * LARGE, [1.0] * LARGE):
            came = pool.apply(same, (value,))
            came.append(3)
            came[0] = 5
            print(len(came), came[0], value[0])


@program
def files_in_memory():
    for value in (io.BytesIO(b"a\nb" * LARGE), io.StringIO("a\nb" * LARGE)):
        value.seek(2)
        with mp.Pool(1) as pool:
            came = pool.apply(same, (value,))
        print(type(came).__name__, came.tell(), came.read(3), came.getvalue() == value.getvalue())


@program
def everyday_objects():
    tell(10**50, 1 << 10_000, -1.5, 2j, None, ..., "text", b"bytes", (1, [2, {3: {4}}]))
    tell(collections.deque([1, 2], 2), collections.OrderedDict(b=1, a=2), Point(1, [2]))
    tell(collections.defaultdict(list, a=[1]), collections.Counter("abca"), Record("r", {1}))
    tell(Colour.RED, decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7))
    tell(datetime.datetime(2024, 2, 29), datetime.timedelta(1, 2, 3), pathlib.PurePosixPath("/a"))


@program
def identity_within_a_task():
    for inner in ([1], bytearray(LARGE), b"x" * LARGE, "x" * LARGE, array.array("d", [1]) * LARGE):
        with mp.Pool(1) as pool:
            came = pool.apply(same, ([inner, {"again": inner}, Record("r", inner)],))
        print(type(inner).__name__, came[0] is came[1]["again"] is came[2].value)


@program
def registered_reducers():
    reduction.register(Angle, lambda angle: (str, (f"by register {angle.degrees}",)))
    ForkingPickler.register(Length, lambda length: (str, (f"by the class {length.degrees}",)))
    with mp.Pool(1) as pool:
        print(pool.map(same, [Angle(1), Length(2), [Angle(3), Length(4)]]))
    del ForkingPickler._extra_reducers[Angle], ForkingPickler._extra_reducers[Length]
    copyreg.pickle(Angle, lambda angle: (str, (f"by copyreg {angle.degrees}",)))
    with mp.Pool(1) as pool:
        print(pool.map(same, [Angle(1), [Angle(3)]]))
    del copyreg.dispatch_table[Angle]


@program
def registered_for_large_ones():
    reduction.register(array.array, lambda words: (str, (f"{len(words)} words",)))
    with mp.Pool(1) as pool:
        print(pool.map(same, [array.array("b", bytes(length)) for length in (3, LARGE)]))
    del ForkingPickler._extra_reducers[array.array]
    with mp.Pool(1) as pool:
        print(len(pool.apply(same, (array.array("b", bytes(LARGE)),))))


@program
def arguments_that_cannot_be_pickled():
    with mp.Pool(1) as pool:
        for value in (FailsToReduce(), [bytes(LARGE), FailsToReduce()], same.__code__):
            try:
                pool.apply(same, (value,))
            except Exception as error:
                print(raised(error))
        print(pool.apply(same, ("the next",)))


@program
def results_that_cannot_be_pickled():
    with mp.Pool(1) as pool:
        for make in (FailsToReduce, make_generator):
            try:
                pool.apply(make)
            except Exception as error:
                print(type(error).__name__, str(error)[:40])
        print(pool.apply(same, ("the next",)))


def make_generator():
    return (each for each in ())


@program
def results_that_cannot_be_restored():
    with mp.Pool(1) as pool:
        print(pool.apply_async(same, ("before",)).get())
    reader, writer = mp.Pipe(duplex=False)
    for value in (FailsToRestore(), [bytes(1000), FailsToRestore()], "the next"):
        writer.send(value)
        try:
            print(reader.recv())
        except Exception as error:
            print(raised(error))


@program
def arrays():
    if np is None:
        print("not installed")
        return
    many = np.arange(LARGE)
    square = many.reshape(2, -1)
    made = [many, many[::2], many.astype("M8[s]"), many.astype(">m8[D]")[::-1], many.astype("U5")]
    made += [np.ma.masked_equal(many, 5), square.view(np.matrix), square.T, square[:, ::3]]
    made += [np.rec.fromarrays([many, many * 1.0], names="a,b"), many[:3].astype(object)]
    with mp.Pool(1) as pool:
        for sent, record in zip(made, pool.imap(same, [Record("a", each) for each in made])):
            came = record.value
            print(type(came).__name__, came.dtype, came.shape, came.flags.writeable)
            print((came == sent).all(), came.flags.c_contiguous, came.flags.aligned)


if __name__ == "__main__":
    run_programs()
