"""What Python's own values are after they went to another process and back."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import multiprocessing as mp
import operator
import pathlib
import pickle
import re
import sys
import threading
import types
import uuid

from telling import differs, program, run_programs, show
from travelling import other_process, travelled

Point = collections.namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


@dataclasses.dataclass
class Record:
    name: str
    marks: list = dataclasses.field(default_factory=list)
    inner: object = None


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    number: int
    pair: tuple = ()


class Words(list):
    pass


class Names(dict):
    pass


class Text(str):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Pair(tuple):
    pass


class UnluckyError(Exception):
    def __init__(self, message, code):
        super().__init__(message, code)
        self.code = code


class NeedsTwoError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left):
        self.left = left

    def __repr__(self):
        return f"Slotted({self.left}, {getattr(self, 'right', 'nothing')})"

    def half(self):
        return self.left / 2

    @classmethod
    def make(cls):
        return cls(1)

    @staticmethod
    def say():
        return "said"


class AsksProtocol:
    protocol = None

    def __reduce_ex__(self, protocol):
        return AsksProtocol, (), {"protocol": self.protocol or protocol}


def tell(*values):
    for value in values:
        came = travelled(value)
        print(type(came).__qualname__, repr(came)[:300], len(repr(came)))


def refuse(*values):
    """What a pipe says to these, and that it still works."""
    reader, writer = mp.Pipe(duplex=False)
    for value in values:
        show(writer.send, value)
    writer.send("still working")
    print(reader.recv())


@program
def small_integers():
    tell(0, 1, -1, 255, 256, -128, 2**31, -(2**31), 2**63 - 1, -(2**63), True, False)


@program
def large_integers():
    tell(2**63, -(2**63) - 1, 2**64, 10**100, -(10**100), 1 << 8000, -(1 << 8000))


@program
def lists_of_integers():
    tell([2**63 - 1] * 20, [2**63] * 20, [True] * 20, [1, True, 2.0, None] * 10, list(range(20000)))


@program
def floats():
    tell(0.0, -0.0, 0.1, math.inf, -math.inf, math.nan, sys.float_info.min, 5e-324)
    tell([0.1] * 20000, [0.5, 1], [math.nan, -0.0], [1.0, Real(2)])


@program
def complex_numbers():
    tell(1j, complex(-0.0, math.inf), complex(math.nan, 1), [1j, 2])


@program
def none_and_other_singletons():
    for value in (None, ..., NotImplemented, True, ()):
        print(travelled(value) is value)


@program
def text():
    tell("", "a", "ä", "€", "😀", "\0", "a\0b", "e\u0301", "x" * 70000, "€" * 70000)


@program
def text_with_surrogates():
    for value in ("\ud800", "a\udfffb", "\udcff" * 40000, "😀\ud83d", Text("\ud800")):
        came = travelled(value)
        print(ascii(came)[:20], came == value, type(came).__name__)


@program
def bytes_of_many_lengths():
    for length in (0, 1, 2, 255, 256, 4095, 4096, 65535, 65536, 65537, 1000000):
        value = bytes(index % 251 for index in range(length))
        came = travelled(value)
        print(length, type(came).__name__, came == value)


@program
def bytearrays():
    for length in (0, 1, 1000, 65536, 300000):
        value = bytearray(length)
        came = travelled(value)
        came.append(7)
        print(type(came).__name__, came[:-1] == value, came[-1], len(value))


@program
def array_arrays():
    for code in "bBuhHiIlLqQfd":
        value = array.array(code, "word" if code == "u" else [1, 2, 3])
        came = travelled(value)
        came.append(came[0])
        print(came)
    print(len(travelled(array.array("d", bytes(800000)))))


@program
def memoryviews_are_refused():
    refuse(memoryview(b"abc"), [memoryview(bytearray(3))], {"view": memoryview(b"")})


@differs(
    "Pickling uses protocol 5.",
    "True True\nTrue False\nTrue True\nTrue False\n",
)
def pickle_buffers():
    reader, writer = mp.Pipe(duplex=False)
    for data in (b"abc", bytearray(b"abc"), bytes(100000), bytearray(100000)):
        try:
            writer.send([pickle.PickleBuffer(data)])
        except Exception as error:
            print(type(error).__name__, error)
        else:
            view = memoryview(reader.recv()[0])
            print(view == data, view.readonly)


@program
def tuples():
    tell((), (1,), ((),), (1, (2, (3, [4]))), tuple(range(1000)), (None, True, "x", b"y", 1.5))


@program
def lists():
    tell([], [[]], [[], [[]]], [1, "two", [3.0, (4j,)]], [None] * 5000, [""] * 10, [b""] * 10)


@program
def dictionaries():
    tell({}, {"b": 1, "a": 2}, {1: {2: {3: {}}}}, {(1, 2): [3], None: 4, 1.5: 5, b"k": 6})
    came = travelled({index: str(index) for index in range(1000, 0, -1)})
    print(list(came)[:3], came[500])


@program
def sets():
    for value in (set(), {1, 2, 3}, frozenset(), frozenset([1, "a"]), {frozenset([1]), (2,)}):
        came = travelled(value)
        print(type(came).__name__, came == value, sorted(map(type, came), key=str) != [])


@program
def nested_frozensets():
    value = frozenset([frozenset([frozenset(), 1]), Frozen(1, (2,)), Point(1, 2)])
    came = travelled(value)
    print(came == value, hash(came) == hash(value), {came: "key"}[value])


@program
def deques():
    tell(collections.deque(), collections.deque([1, 2], maxlen=2), collections.deque(range(100)))
    came = travelled(collections.deque("abc", maxlen=3))
    came.append("d")
    print(came, came.maxlen)


@program
def ordered_dictionaries():
    tell(collections.OrderedDict(b=1, a=2))
    came = travelled(collections.OrderedDict([(1, "a"), (2, "b")]))
    came.move_to_end(1)
    print(list(came))


@program
def other_collections():
    tell(collections.Counter("abracadabra"), collections.defaultdict(list, a=[1]))
    tell(collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), collections.UserDict(a=1))
    came = travelled(collections.defaultdict(int))
    came["new"] += 1
    print(came)


@program
def enumerations():
    for value in (Colour.RED, Colour.GREEN, Level.HIGH):
        came = travelled(value)
        print(came is value, came.name, came.value)
    print(travelled(Rights.READ | Rights.WRITE) == Rights.READ | Rights.WRITE)
    print(travelled({Colour.RED: [Level.LOW]}), travelled(Colour) is Colour)


@program
def decimals_and_fractions():
    tell(decimal.Decimal("1.10"), decimal.Decimal("NaN"), decimal.Decimal("-Infinity"))
    tell(decimal.Decimal(1) / 7, fractions.Fraction(1, 3), fractions.Fraction(-(10**30), 7))


@program
def dates_and_times():
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30), "IST")
    tell(datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 4), datetime.timedelta(-1, 5, 7))
    tell(datetime.datetime(2024, 1, 2, tzinfo=zone), datetime.timezone.utc, datetime.datetime.max)
    came = travelled(datetime.datetime(2024, 1, 2, fold=1))
    print(came.fold)


@program
def standard_objects():
    tell(uuid.UUID(int=5), pathlib.PurePosixPath("/a/b"), pathlib.Path("x"), range(1, 9, 2))
    tell(slice(1, None, -1), types.SimpleNamespace(a=1, b=[2]), list[int])
    came = travelled(re.compile("a(b)", re.IGNORECASE))
    print(came.pattern, came.flags, came.match("AB").group(1))


@program
def named_tuples():
    tell(Point(1, 2), Point([1], Point(None, "x")))
    came = travelled(Point(1, 2))
    print(type(came) is Point, came.x, came._replace(y=3))


@program
def data_classes():
    tell(Record("a", [1, 2], Record("b")), Frozen(1, (2, 3)))
    print(travelled(Frozen(1)) == Frozen(1), hash(travelled(Frozen(2))) == hash(Frozen(2)))


@program
def subclasses_of_builtins():
    for value in (Words([1]), Names(a=1), Text("t"), Number(7), Real(0.5), Pair((1, 2))):
        came = travelled(value)
        print(type(came).__name__, came == value)


@program
def subclasses_keep_attributes():
    words, names, text = Words("ab"), Names(a=1), Text("x" * 100000)
    words.note, names.note, text.note = "w", "n", "t"
    came = travelled([words, names, text])
    print([item.note for item in came], [type(item).__name__ for item in came])


@program
def exceptions():
    for error in (ValueError(), KeyError("k"), LookupError("a", 1), StopIteration(3)):
        came = travelled([error])[0]
        print(repr(came), came.args)
    came = travelled([UnluckyError("no", 13)])[0]
    print(type(came).__name__, came.args, came.code)


@program
def exceptions_with_fields():
    came = travelled([FileNotFoundError(2, "gone", "a.txt", None, "b.txt")])[0]
    print(type(came).__name__, came.errno, came.strerror, came.filename, came.filename2)
    came = travelled([UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")])[0]
    print(came.object, came.start, came.end, came)
    came = travelled([SystemExit(3), KeyboardInterrupt(), ImportError("x", name="m", path="p")])
    print(came, came[0].code, came[2].name, came[2].path)


@program
def exceptions_with_attributes_and_causes():
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError as error:
        error.note = ["kept"]
        came = travelled([error])[0]
        print(repr(came), came.note, came.__cause__, came.__context__, came.__traceback__)
        print(came.__suppress_context__)


@program
def exceptions_that_cannot_be_made_again():
    came = travelled([NeedsTwoError(1, 2)])
    print(type(came).__name__, str(came).startswith("NeedsTwoError.__init__() missing"))
    print(travelled("the next"))


@program
def exception_groups():
    if sys.version_info < (3, 11):
        print("not in this version")
        return
    group = ExceptionGroup("several", [ValueError(1), ExceptionGroup("inner", [KeyError(2)])])  # noqa: F821
    group.add_note("a note")
    came = travelled([group])[0]
    print(repr(came), came.__notes__)


@program
def functions_and_classes():
    for value in (len, math.sin, tell, Slotted, int, type(None), Slotted.make, Slotted.say):
        print(travelled(value) == value)
    print(travelled(Slotted(5).half)(), travelled([].append)(1))
    print(travelled(functools.partial(int, base=2))("101"), travelled(operator.itemgetter(1))("ab"))
    print(travelled(operator.methodcaller("upper"))("a"), travelled("a,b".split)(","))


@program
def objects_with_slots():
    half = Slotted(1)
    full = Slotted("l")
    full.right = [half, half]
    tell(half, full)
    came = travelled(full)
    print(came.right[0] is came.right[1])


@program
def what_cannot_be_pickled():
    refuse(threading.Lock(), (each for each in ()), sys, [1, [sys]], object().__init_subclass__)
    refuse(sys._getframe(), {"thread": threading.Thread()}, types.MappingProxyType({}))


@program
def local_functions_are_refused():
    class Local:
        pass

    reader, writer = mp.Pipe(duplex=False)
    for value in (lambda: 1, Local, Local(), [Local]):
        try:
            writer.send(value)
        except Exception as error:
            print(type(error).__name__, "Local" in str(error) or "lambda" in str(error))
    writer.send(1)
    print(reader.recv())


@program
def deep_lists():
    value = []
    for _ in range(300):
        value = [value]
    came, depth = travelled(value), 0
    while came:
        came, depth = came[0], depth + 1
    print(depth)


@program
def too_deep_lists():
    value = []
    for _ in range(100000):
        value = [value]
    reader, writer = mp.Pipe(duplex=False)
    try:
        writer.send(value)
    except RecursionError:
        print("RecursionError")
    while value:
        value = value.pop()
    writer.send("after")
    print(reader.recv())


@program
def wide_and_mixed():
    value = [
        {"index": index, "name": f"n{index}", "pair": (index, index / 2)} for index in range(2000)
    ]
    came = travelled(value)
    print(came == value, len(came), came[1999])


@program
def many_values_in_order():
    questions, answers = other_process()
    for number in range(500):
        questions.put((number, "x" * number))
    print(all(answers.recv() == (number, "x" * number) for number in range(500)))


@differs(
    "Pickling uses protocol 5.",
    "5\n",
)
def protocol_that_objects_see():
    print(travelled(AsksProtocol()).protocol)


if __name__ == "__main__":
    run_programs()
