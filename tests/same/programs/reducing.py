"""Objects that say themselves how they are pickled, and reducers that others register for them."""

import copyreg
import multiprocessing as mp
from multiprocessing import reduction
from multiprocessing.reduction import ForkingPickler

from telling import program, run_programs, show


class Plain:
    """An object of any state, which shows it."""

    def __init__(self, *args, **fields):
        self.args = args
        self.__dict__.update(fields)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class ByFunction(Plain):
    def __reduce__(self):
        return ByFunction, (1, "two")


class WithState(Plain):
    def __reduce__(self):
        return WithState, (), {"state": [self.args]}


class WithSetState(Plain):
    def __getstate__(self):
        return ("state", self.args)

    def __setstate__(self, state):
        self.args = ("set", state)


class FalseState(Plain):
    def __getstate__(self):
        return False

    def __setstate__(self, state):
        self.args = ("never called",)


class Stacked(list):
    def __reduce__(self):
        return Stacked, (), {"note": "n"}, iter([1, 2, 3])


class Tabled(dict):
    def __reduce__(self):
        return Tabled, (), None, None, iter({"a": 1}.items())


class StateSetter(Plain):
    def __reduce__(self):
        return StateSetter, (), {"by": "setter"}, None, None, set_state


def set_state(instance, state):
    instance.args = sorted(state.items())


class ByName:
    def __reduce__(self):
        return "the_one"


the_one = ByName()


class Versioned(Plain):
    def __reduce_ex__(self, protocol):
        return Versioned, (protocol >= 4,)

    def __reduce__(self):
        raise AssertionError("__reduce_ex__ comes first")


class NewArguments:
    def __new__(cls, number):
        instance = super().__new__(cls)
        instance.number = number
        return instance

    def __getnewargs__(self):
        return (self.number + 1,)


class NewKeywords:
    def __new__(cls, *, number, word="none"):
        instance = super().__new__(cls)
        instance.made = (number, word)
        return instance

    def __getnewargs_ex__(self):
        return (), {"number": 5, "word": "five"}

    def __getstate__(self):
        return None


class Integer(int):
    def __new__(cls, number, unit):
        instance = super().__new__(cls, number)
        instance.unit = unit
        return instance

    def __getnewargs__(self):
        return int(self), self.unit


class Slots:
    __slots__ = ("__dict__", "one", "two")


class Raises:
    def __reduce__(self):
        raise LookupError("while reducing")


class RaisesLater:
    def __setstate__(self, state):
        raise LookupError("while restoring")

    def __getstate__(self):
        return {"a": 1}


class Wrong:
    def __init__(self, answer):
        self.answer = answer

    def __reduce__(self):
        return self.answer


class Sends:
    """Uses a pipe of its own while it is being sent."""

    def __reduce__(self):
        reader, writer = mp.Pipe(duplex=False)
        writer.send([1, {2}])
        return Plain, (reader.recv(),)


class Counting(type):
    pass


class Counted(metaclass=Counting):
    pass


def reduced(value):
    return Plain, (f"reduced {type(value).__name__}",)


def reduced_anew(value):
    return Plain, ("reduced anew",)


def both_ways(value):
    """Sends the value over a pipe and over a queue, and prints what comes."""
    reader, writer = mp.Pipe(duplex=False)
    queue = mp.SimpleQueue()
    try:
        writer.send(value)
        print(reader.recv())
        queue.put(value)
        print(queue.get())
    except Exception as error:
        print(type(error).__name__, error)


@program
def reduce_gives_a_function():
    both_ways(ByFunction())
    both_ways([ByFunction(), ByFunction()])


@program
def reduce_gives_a_state():
    both_ways(WithState(1, 2))


@program
def reduce_gives_items():
    both_ways(Stacked([9]))
    both_ways(Tabled(b=2))
    reader, writer = mp.Pipe(duplex=False)
    writer.send(Stacked())
    print(reader.recv().note)


@program
def reduce_gives_a_state_setter():
    both_ways(StateSetter(1))


@program
def reduce_gives_a_name():
    reader, writer = mp.Pipe(duplex=False)
    writer.send([the_one])
    print(reader.recv()[0] is the_one)


@program
def reduce_ex_comes_first():
    both_ways(Versioned())


@program
def get_and_set_state():
    both_ways(WithSetState(1, 2))
    both_ways(FalseState(1))


@program
def arguments_for_new():
    reader, writer = mp.Pipe(duplex=False)
    for value in (NewArguments(1), NewKeywords(number=1), Integer(7, "m")):
        writer.send(value)
        came = reader.recv()
        print(type(came).__name__, vars(came), came if isinstance(came, int) else "")


@program
def slots_and_a_dictionary():
    value = Slots()
    value.one, value.three = 1, [3]
    reader, writer = mp.Pipe(duplex=False)
    writer.send(value)
    came = reader.recv()
    print(came.one, came.three, hasattr(came, "two"))


@program
def reduce_that_raises():
    reader, writer = mp.Pipe(duplex=False)
    queue = mp.SimpleQueue()
    for send in (writer.send, queue.put):
        show(send, Raises())
        show(send, [1, {"a": Raises()}])
    print(reader.poll(), queue.empty())


@program
def restoring_that_raises():
    reader, writer = mp.Pipe(duplex=False)
    writer.send(RaisesLater())
    writer.send("the next")
    show(reader.recv)
    show(reader.recv)
    queue = mp.SimpleQueue()
    queue.put([RaisesLater()])
    queue.put("the next")
    show(queue.get)
    show(queue.get)


@program
def restoring_that_raises_in_a_queue():
    queue = mp.Queue()
    queue.put(RaisesLater())
    queue.put("the next")
    show(queue.get)
    show(queue.get)
    queue.close()
    queue.join_thread()


@program
def reduce_that_gives_nonsense():
    reader, writer = mp.Pipe(duplex=False)
    for answer in (
        None,
        1,
        (),
        (Plain,),
        (1, ()),
        (Plain, 1),
        (Plain, (), None, 1),
        "no_such_name",
    ):
        show(writer.send, Wrong(answer))
    writer.send("after")
    print(reader.recv())


@program
def reduce_that_sends():
    both_ways(Sends())
    both_ways([Sends(), Sends()])


@program
def registered_with_copyreg():
    copyreg.pickle(NewArguments, reduced)
    both_ways(NewArguments(1))
    both_ways([NewArguments(1), {"a": (NewArguments(2),)}])
    del copyreg.dispatch_table[NewArguments]


@program
def registered_with_forking_pickler():
    both_ways(WithState(1))
    ForkingPickler.register(WithState, reduced)
    both_ways(WithState(1))
    both_ways((WithState(1), [WithState(2)]))
    ForkingPickler.register(WithState, reduced_anew)
    both_ways(WithState(1))
    del ForkingPickler._extra_reducers[WithState]
    both_ways(WithState(1))


@program
def registered_with_the_module():
    reduction.register(Slots, reduced)
    both_ways(Slots())
    print(reduction.ForkingPickler is ForkingPickler)
    del ForkingPickler._extra_reducers[Slots]


@program
def forking_pickler_comes_before_copyreg():
    copyreg.pickle(Slots, reduced)
    both_ways(Slots())
    ForkingPickler.register(Slots, reduced_anew)
    both_ways(Slots())
    del copyreg.dispatch_table[Slots], ForkingPickler._extra_reducers[Slots]


@program
def registered_for_a_subclass_only():
    class_of = type("Derived", (Plain,), {})
    globals()["Derived"] = class_of
    class_of.__module__, class_of.__qualname__ = __name__, "Derived"
    ForkingPickler.register(Plain, reduced)
    reader, writer = mp.Pipe(duplex=False)
    writer.send(class_of(a=1))
    print(reader.recv())
    del ForkingPickler._extra_reducers[Plain]


@program
def registered_for_complex():
    before = copyreg.dispatch_table[complex]
    copyreg.pickle(complex, reduced)
    both_ways(1j)
    both_ways([1j, (2j,)])
    copyreg.pickle(complex, before)
    ForkingPickler.register(complex, reduced)
    both_ways([1j])
    del ForkingPickler._extra_reducers[complex]
    both_ways([1j])


@program
def registered_for_what_pickle_knows():
    for kind, value in ((list, [1]), (str, "s"), (int, 1), (float, 0.5), (dict, {}), (tuple, (1,))):
        ForkingPickler.register(kind, reduced)
        both_ways(value)
        both_ways([value])
        del ForkingPickler._extra_reducers[kind]


@program
def registered_for_a_metaclass():
    ForkingPickler.register(Counting, lambda cls: (str, (f"class {cls.__name__}",)))
    both_ways(Counted)
    both_ways([Counted, 1])
    del ForkingPickler._extra_reducers[Counting]


@program
def registered_extension_code():
    copyreg.add_extension(__name__, "Plain", 240)
    both_ways(Plain(1))
    copyreg.remove_extension(__name__, "Plain", 240)


@program
def used_by_hand():
    data = ForkingPickler.dumps({"a": [1]})
    print(type(data).__name__, ForkingPickler.loads(data))
    reader, writer = mp.Pipe(duplex=False)
    writer.send_bytes(ForkingPickler.dumps([1, (2,)]))
    print(reader.recv())
    writer.send({"sent": "pickled"})
    print(ForkingPickler.loads(reader.recv_bytes()))
    writer.send_bytes(b"no pickle")
    try:
        reader.recv()
    except Exception as error:
        print(type(error).__name__, error)


@program
def reducer_of_a_context():
    context = mp.get_context("spawn")
    print(context.reducer.__name__.rpartition(".")[2])
    print(sorted(name for name in ("dump", "register") if hasattr(context.reducer, name)))


if __name__ == "__main__":
    run_programs()
