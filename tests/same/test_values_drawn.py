"""Values drawn at random: what arrives over a queue and a pipe is what stock's pickling gives, but
for what docs/differences.md says of arrays."""

import array
import collections
import dataclasses
import datetime
import enum
import io
import pathlib
from multiprocessing.reduction import ForkingPickler

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onecopy as mp

np = pytest.importorskip("numpy")

Pair = collections.namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


@dataclasses.dataclass
class Record:
    name: object
    value: object


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Words(list):
    pass


class Text(str):
    pass


class Data(bytes):
    pass


class Numbers(array.array):
    pass


class UnluckyError(Exception):
    pass


class Plain:
    def __init__(self, state):
        self.state = state


class Slotted:
    __slots__ = ("__weakref__", "state")

    def __init__(self, state):
        self.state = state


class Grid(np.ndarray):
    """An array with an attribute, which pickling loses."""

    def __array_finalize__(self, other):
        self.seen = (self.shape, self.dtype.str)


# -- what is drawn --------------------------------------------------------------------------------

# Lengths about which large data are treated in another way than small.
LARGE = st.sampled_from([4095, 4096, 65535, 65536, 65537, 150_000])


def large_data(length):
    data = bytes(index % 251 for index in range(length))
    return st.sampled_from(
        [
            data,
            bytearray(data),
            Data(data),
            data.decode("latin1"),
            Text("x" * length),
            "\u20ac" * length,
            "\udc80" * length,
            array.array("B", data),
            array.array("d", [0.5]) * (length // 8),
            Numbers("H", [7]) * (length // 2),
            io.BytesIO(data),
        ]
    )


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=())),  # with surrogates
    st.binary(),
    st.binary().map(bytearray),
    st.sampled_from([Colour.RED, ..., NotImplemented, int, len, "x" * 70000, b"y" * 70000]),
    st.decimals(),
    st.fractions(),
    st.datetimes(),
    st.timedeltas(),
    st.datetimes(timezones=st.just(datetime.timezone.utc)),
    st.dates(),
    st.times(),
    st.uuids(),
    st.text("ab/.").map(pathlib.PurePosixPath),
    st.binary().map(Data),
    st.text().map(Text),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9)),
    st.builds(UnluckyError, st.integers(), st.text()),
    st.builds(KeyError, st.text()),
    st.sampled_from([Rights.READ | Rights.WRITE, Rights(0), datetime.datetime.max]),
    st.sampled_from([np.float32(0.1), np.str_("s"), np.datetime64("2024-02-29"), np.int8(-1)]),
    LARGE.flatmap(large_data),
    st.lists(st.integers(0, 255)).map(lambda numbers: array.array("B", numbers)),
    st.lists(st.floats()).map(lambda numbers: array.array("d", numbers)),
    st.text(st.characters(max_codepoint=0xD7FF)).map(lambda text: array.array("u", text)),
    st.lists(st.floats(), min_size=0, max_size=40),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40),
    st.frozensets(st.integers() | st.text()),
    st.sets(st.binary() | st.tuples(st.booleans(), st.text())),
)

TYPES = st.sampled_from(
    [
        *("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "F", "D"),
        *("S3", "U2", "V5", "M8[s]", "m8[ns]", ">i4", ">f8", ">U2", ">M8[us]", "O"),
        [("a", "i4"), ("b", "f8", (2,)), ("c", "U2")],
        np.dtype([("a", "u1"), ("b", ">f8")], align=True),
    ]
)


@st.composite
def arrays(draw):
    kind = np.dtype(draw(TYPES))
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    if draw(st.integers(0, 9)) == 0:
        shape = (*shape[:1], 9000)  # large enough for a block of its own
    count = int(np.prod(shape, dtype=int))
    numbers = np.arange(count) % 100
    if kind.names:
        made = np.zeros(count, kind)
        made["a"] = numbers
    elif kind.kind in "VM":
        made = numbers.astype("u8").astype("S5" if kind.kind == "V" else "i8").astype(kind)
    else:
        made = numbers.astype(kind)
    made = made.reshape(shape)
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        made = change(made)
    if draw(st.integers(0, 4)) == 0:
        made.flags.writeable = False
    return made


def is_plain(made, kinds):
    return type(made) is np.ndarray and made.dtype.kind in kinds


CHANGES = [
    lambda made: made.T,
    lambda made: made[::-1] if made.ndim else made,
    lambda made: made[..., ::2] if made.ndim else made,
    lambda made: made[1:] if made.ndim else made,
    lambda made: np.asfortranarray(made),
    lambda made: made[..., None],
    lambda made: made.swapaxes(0, -1) if made.ndim else made,
    lambda made: made.view(np.recarray) if made.dtype.names else made,
    lambda made: np.ma.masked_array(made) if is_plain(made, "iuf") else made,
    lambda made: np.ma.masked_equal(made, 5) if is_plain(made, "iu") else made,
    lambda made: made.view(np.matrix) if made.ndim <= 2 else made,
    lambda made: made.view(Grid),
    lambda made: np.repeat(made, 9000 // made.size + 1, 0) if made.ndim and made.size else made,
    lambda made: np.broadcast_to(made, (2, *made.shape)) if made.ndim < 5 else made,
]


def nested(inner):
    return st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.integers() | st.text() | st.none(), inner, max_size=4),
        st.lists(inner, max_size=3).map(collections.deque),
        st.lists(inner, max_size=3).map(Words),
        st.builds(Pair, inner, inner),
        st.builds(Record, inner, inner),
        st.builds(Plain, inner),
        st.builds(Slotted, inner),
        st.lists(inner, max_size=2).map(lambda items: collections.deque(items, 2)),
        st.dictionaries(st.text(), inner, max_size=3).map(
            lambda items: collections.defaultdict(list, items)
        ),
        inner.map(lambda one: UnluckyError("holds", one)),
        inner.map(lambda one: [one, (one, {"again": one})]),  # shared
        st.dictionaries(st.text(), inner, max_size=3).map(collections.OrderedDict),
        inner.map(in_a_ring),
    )


def in_a_ring(inner):
    ring = [inner]
    ring.append(ring)
    return ring


VALUES = st.recursive(LEAVES | arrays(), nested, max_leaves=12)


# -- how what arrives is compared -----------------------------------------------------------------


def is_atom(value):
    """Whether it has no identity worth speaking of: Python or pickle makes such objects anew, or
    keeps one of each."""
    if isinstance(value, (str, bytes, tuple, frozenset)):
        return len(value) <= 1
    return isinstance(value, (type(None), int, float, complex, type, enum.Enum))


class Comparison:
    """Walks what Onecopy gave, what stock's pickling gave, and what was sent, side by side."""

    def __init__(self):
        self._partners = {}

    def same(self, ours, stocks, sent):
        assert type(ours) is type(stocks)
        if not is_atom(ours) and self._were_met(ours, stocks):
            return
        if isinstance(ours, np.ndarray):
            self._same_arrays(ours, stocks, sent)
        elif isinstance(ours, (list, tuple, collections.deque)):
            self._same_items(ours, stocks, sent)
        elif isinstance(ours, dict):
            self._same_items(ours.keys(), stocks.keys(), sent.keys())
            self._same_items(ours.values(), stocks.values(), sent.values())
            if isinstance(ours, collections.defaultdict):
                assert ours.default_factory is stocks.default_factory
        elif isinstance(ours, (Record, Plain)):
            self.same(vars(ours), vars(stocks), vars(sent))
        elif isinstance(ours, Slotted):
            self.same(ours.state, stocks.state, sent.state)
        elif isinstance(ours, UnluckyError):
            self.same(ours.args, stocks.args, sent.args)
        elif isinstance(ours, io.BytesIO):
            assert ours.getvalue() == stocks.getvalue()
        elif isinstance(ours, (set, frozenset)):
            assert ours == stocks
        else:
            assert repr(ours) == repr(stocks)

    def _were_met(self, ours, stocks):
        """Whether this pair was met before; what is one object on one side is one on the other."""
        if id(ours) not in self._partners and id(stocks) not in self._partners:
            self._partners.update({id(ours): stocks, id(stocks): ours})
            return False
        assert self._partners.get(id(ours)) is stocks
        assert self._partners.get(id(stocks)) is ours
        return True

    def _same_items(self, ours, stocks, sent):
        assert len(ours) == len(stocks)
        for items in zip(ours, stocks, sent):
            self.same(*items)

    def _same_arrays(self, ours, stocks, sent):
        assert ours.dtype in (stocks.dtype, sent.dtype)  # which may differ in the order of bytes
        assert ours.dtype.newbyteorder("=") == stocks.dtype.newbyteorder("=")
        assert ours.shape == stocks.shape
        assert ours.flags.c_contiguous == stocks.flags.c_contiguous
        assert ours.flags.f_contiguous == stocks.flags.f_contiguous
        assert ours.flags.aligned == stocks.flags.aligned
        assert ours.flags.writeable or not sent.flags.writeable
        has_same_items = repr(ours.tolist()) == repr(stocks.tolist())
        assert has_same_items  # told apart in no detail: there may be many
        if ours.dtype == stocks.dtype and not ours.dtype.hasobject:
            assert ours.tobytes() == stocks.tobytes()  # with what lies between fields
        if isinstance(ours, np.ma.MaskedArray):
            assert ours.mask.tobytes() == stocks.mask.tobytes()
            assert ours.fill_value == stocks.fill_value or ours.fill_value != ours.fill_value
        if isinstance(ours, Grid):
            assert ours.seen == stocks.seen


@pytest.fixture(scope="module", params=["queue", "simple queue", "pipe"])
def there_and_back(request):
    if request.param == "pipe":
        reader, writer = mp.Pipe(duplex=False)
        send, receive = writer.send, reader.recv
    else:
        queue = mp.Queue() if request.param == "queue" else mp.SimpleQueue()
        send, receive = queue.put, queue.get

    def pass_through(value):
        send(value)
        return receive()

    return pass_through


@settings(deadline=None)
@given(VALUES)
def test_arrives_as_stock_gives_it(there_and_back, value):
    ours = there_and_back(value)

    stocks = ForkingPickler.loads(ForkingPickler.dumps(value))
    Comparison().same(ours, stocks, value)


@settings(deadline=None)
@given(arrays().filter(lambda made: type(made) is np.ndarray and made.dtype.kind not in "mMO"))
def test_a_contiguous_array_keeps_its_type_and_may_not_be_written_to_where_it_could_not(
    there_and_back, made
):
    came = there_and_back(made)

    if made.flags.c_contiguous or made.flags.f_contiguous:
        assert came.dtype == made.dtype
        assert came.flags.writeable == made.flags.writeable
