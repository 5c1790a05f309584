import collections
import decimal
import functools
import multiprocessing as mp
import sys

Point = collections.namedtuple("Point", "x y")


class Node:
    def __init__(self, value):
        self.value, self.me = value, self

    def method(self):
        return self.value


def echo(questions, answers):
    for question in iter(questions.get, "stop"):
        answers.put(question)


values = [
    None,
    True,
    0,
    -1,
    2**63,
    -(2**63),
    2**64,
    10**100,
    0.5,
    float("inf"),
    1j,
    "",
    "ä€😀\0",
    "\ud800",
    b"",
    b"\0" * 100000,
    bytearray(b"x"),
    (),
    (1,),
    [],
    [[], [[]]],
    {},
    {1: {2: 3}},
    {1, 2},
    frozenset([1]),
    Point(1, 2),
    decimal.Decimal("1.10"),
    range(3),
    slice(1, 2),
    ...,
    Ellipsis,
    int,
    len,
    mp.get_start_method,
    ValueError("bad", 1),
    collections.OrderedDict(a=1),
    collections.defaultdict(list, a=[1]),
    collections.deque([1, 2], maxlen=2),
    1 == 1,
    functools.partial(int, "7"),
    "x" * 1000000,
    list(range(10000)),
    [0.1] * 10000,
]
if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    for kind in (mp.Queue, mp.SimpleQueue, mp.JoinableQueue):
        questions, answers = kind(), kind()
        process = mp.Process(target=echo, args=(questions, answers))
        process.start()
        for value in values:
            questions.put(value)
            answer = answers.get()
            same = repr(answer) == repr(value) and type(answer) is type(value)
            print(type(value).__name__, same)
        loop = [1]
        loop.append(loop)
        twice = ["a"]
        questions.put((loop, [twice, twice], Node(3)))
        loop, pair, node = answers.get()
        print(loop[1] is loop, pair[0] is pair[1], node.me is node, node.method())
        questions.put(Node(5).method)
        print(answers.get()())
        questions.put("stop")
        process.join()
        print(process.exitcode)
