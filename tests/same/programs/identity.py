"""What is one object in a message is one object where it arrives, and is nobody else's."""

import collections
import multiprocessing as mp
import threading

from telling import program, run_programs


class Node:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Key:
    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return hash(self.number)

    def __eq__(self, other):
        return isinstance(other, Key) and self.number == other.number


def travelled(value):
    """The value after a pipe, and after a queue; programs look at both."""
    reader, writer = mp.Pipe(duplex=False)
    queue = mp.SimpleQueue()
    came = []
    for send, receive in ((writer.send, reader.recv), (queue.put, queue.get)):
        sender = threading.Thread(target=send, args=(value,))  # a stock pipe holds only so much
        sender.start()
        came.append(receive())
        sender.join()
    return came


@program
def one_list_twice():
    inner = [1]
    for came in travelled([inner, inner, [1]]):
        print(came[0] is came[1], came[0] is came[2])
        came[0].append(2)
        print(came)


@program
def one_of_each_kind_twice():
    for inner in ([1], {1: 2}, {3}, (4, [5]), "a text", b"some bytes", bytearray(b"x"), 2**70, 1.5):
        for came in travelled([inner, {"again": inner}, (inner,)]):
            print(type(inner).__name__, came[0] is came[1]["again"], came[0] is came[2][0])


@program
def large_ones_twice():
    for inner in ("x" * 100000, b"x" * 100000, bytearray(100000), [1.5] * 50000, [7] * 50000):
        for came in travelled((inner, [inner])):
            print(type(inner).__name__, came[0] is came[1][0], len(came[0]))


@program
def frozensets_twice():
    inner = frozenset(["a", (1, 2)])
    for came in travelled([inner, {inner}, {inner: inner}]):
        (member,) = came[1]
        ((key, value),) = came[2].items()
        print(came[0] is member, came[0] is key, came[0] is value)


@program
def equal_is_not_the_same():
    first, second = ["same"], ["same"]
    for came in travelled([first, second]):
        print(came[0] == came[1], came[0] is came[1])


@program
def list_in_itself():
    value = [1]
    value += [value, [value]]
    for came in travelled(value):
        print(came[1] is came, came[2][0] is came, len(came))


@program
def dictionary_in_itself():
    value = {"a": 1}
    value["me"] = value
    value["list"] = [value, value.copy()]
    for came in travelled(value):
        print(came["me"] is came, came["list"][0] is came, came["list"][1]["me"] is came)


@program
def tuple_in_its_own_list():
    inner = []
    value = (1, inner)
    inner.append(value)
    for came in travelled(value):
        print(type(came).__name__, came[1][0] is came)


@program
def deque_in_itself():
    value = collections.deque([1])
    value.append(value)
    for came in travelled(value):
        print(came[1] is came)


@program
def ring_of_objects():
    first = Node(name="first")
    second = Node(name="second", next=first)
    first.next = second
    for came in travelled(first):
        print(came.name, came.next.name, came.next.next is came)


@program
def object_and_its_parts():
    part = [1, 2]
    value = Node(part=part, other={"part": part})
    for node, came in travelled((value, part)):
        print(node.part is came, node.other["part"] is came)


@program
def instance_dictionary_is_its_own():
    value = Node(a=[1])
    for node, names in travelled((value, value.__dict__)):
        print(node.__dict__ == names, names["a"] is node.a)


@program
def keys_that_are_objects():
    key = Key(1)
    for keys, table in travelled(([key], {key: key})):
        ((found, value),) = table.items()
        print(found is keys[0], value is keys[0], table[Key(1)] is value)


@program
def sets_of_objects_in_a_ring():
    node = Node()
    node.friends = {node}
    for came in travelled(node):
        (friend,) = came.friends
        print(friend is came)


@program
def cycle_through_bound_methods():
    node = Node()
    node.items = [node.__init__]
    for came in travelled(node):
        print(came.items[0].__self__ is came)


@program
def messages_share_nothing():
    shared = [1]
    queue = mp.SimpleQueue()
    for _ in range(2):
        queue.put([shared])
    first, second = queue.get(), queue.get()
    print(first == second, first[0] is second[0], first[0] is shared)


@program
def change_after_sending():
    value = {"list": [1], "bytes": bytearray(100000)}
    reader, writer = mp.Pipe(duplex=False)
    for _ in range(2):
        writer.send(value["list"])
        value["list"].append(2)
    print(reader.recv(), reader.recv())


@program
def many_references():
    shared = [[index] for index in range(300)]
    for came in travelled([shared, shared[::-1], shared * 3]):
        print(all(a is b for a, b in zip(came[0], reversed(came[1]))))
        print(all(came[2][index] is came[0][index % 300] for index in range(900)))


@program
def names_of_attributes_are_interned():
    for came in travelled([Node(number=index) for index in range(3)]):
        keys = [next(iter(node.__dict__)) for node in came]
        print(keys[0] is keys[1] is keys[2])


@program
def plain_and_pickled_together():
    inner = ["shared"]
    value = [inner, {inner[0], "x"}, Node(inner=inner), (inner,)]
    for came in travelled(value):
        print(came[2].inner is came[0], came[3][0] is came[0], came[1] == {"shared", "x"})


@program
def exceptions_in_a_ring():
    error = ValueError("around")
    error.me = [error]
    for came in travelled([error]):
        print(came[0].me[0] is came[0])


if __name__ == "__main__":
    run_programs()
