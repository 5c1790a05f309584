"""Client and Listener: within a family through a pipe; to outsiders, who need know nothing of it,
as stock."""

import multiprocessing
import multiprocessing.resource_sharer
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import onecopy as mp
from onecopy import _engine, _family, _meeting
from onecopy.connection import Client, Connection, Listener, PipeEnd, wait

KEY = b"a key for this test"


@pytest.fixture(autouse=True)
def family():
    _family.join()


@pytest.fixture(params=["AF_UNIX", "AF_INET"])
def address_family(request):
    return request.param


class Accepting(threading.Thread):
    """Accepts one client in a thread; result() is what came of it, an exception too."""

    def __init__(self, listener):
        super().__init__(daemon=True)
        self._listener = listener
        self.start()

    def run(self):
        try:
            self._result = self._listener.accept()
        except Exception as error:
            self._result = error

    def result(self):
        self.join()
        return self._result


def meet(listener):
    accepting = Accepting(listener)
    return Client(listener.address, authkey=KEY), accepting.result()


@pytest.fixture
def met(address_family):
    """The two sides of a connection within a family."""
    with Listener(family=address_family, authkey=KEY) as listener:
        client, accepted = meet(listener)
        with client, accepted:
            yield client, accepted


# --- within a family ---


def test_a_family_meets_in_a_pipe(met):
    client, accepted = met
    client.send([1, {2: 3}])
    accepted.send_bytes(b"answer")

    assert accepted.recv() == [1, {2: 3}]
    assert client.recv_bytes() == b"answer"
    assert all(isinstance(each._pipe, PipeEnd) for each in met)
    assert all(isinstance(each, mp.connection.Connection) for each in met)
    assert all(each.readable and each.writable and not each.closed for each in met)


def test_an_array_is_copied_once(met):
    client, accepted = met
    array = np.arange(100_000.0)
    before = _engine.trace()["bytes_copied"]
    client.send(array)
    received = accepted.recv()

    assert received.flags.writeable and (received == array).all()
    assert _engine.trace()["bytes_copied"] - before == array.nbytes


def test_closing_is_the_end_for_the_other(met):
    client, accepted = met
    client.send("last")
    client.close()

    assert client.closed
    assert accepted.poll(None)
    assert accepted.recv() == "last"
    with pytest.raises(EOFError):
        accepted.recv()
    with pytest.raises(OSError, match="^handle is closed$"):
        client.send(1)


def test_waiting_for_many(met):
    client, accepted = met
    near, far = mp.Pipe()
    with near, far:
        assert wait([accepted, near], 0) == []
        client.send(1)
        assert wait([accepted, near]) == [accepted]
        far.send(2)
        assert wait([near, accepted]) == [near, accepted]


def test_waiting_by_stocks_means(met):
    """What has stock's wait in its own names sees what fileno() shows."""
    client, accepted = met
    stock_wait = mp.connection._wait_for_descriptors
    assert stock_wait([accepted], 0) == []
    client.send(1)
    assert stock_wait([accepted]) == [accepted]


def test_nothing_is_left_of_it(nothing_leaks):
    with Listener(authkey=KEY) as listener:
        for _ in range(20):
            client, accepted = meet(listener)
            with client, accepted:
                client.send("unread")
                accepted.send("unread")


def test_of_two_families_each_stays_on_the_socket(monkeypatch):
    with Listener(authkey=KEY) as listener:
        accepting = Accepting(listener)
        with monkeypatch.context() as patch:
            # The listener's challenge is marked by now, or will be with another family's name.
            patch.setattr(_meeting, "_mark", lambda *parts: bytes(8))
            client = Client(listener.address, authkey=KEY)
        with client, accepting.result() as accepted:
            client.send("hello")
            assert accepted.recv() == "hello"


def test_no_room_for_a_pipe(met, monkeypatch):
    def refuse(*arguments):
        raise MemoryError("no room")

    for way in ("_make_on", "_open"):
        with monkeypatch.context() as patch, Listener(authkey=KEY) as listener:
            patch.setattr(PipeEnd, way, refuse)
            client, accepted = meet(listener)
            with client, accepted:
                client.send("over the socket")
                assert accepted.recv() == "over the socket"
                assert client._pipe is accepted._pipe is None


def test_without_a_key_it_stays_on_the_socket(address_family):
    with Listener(family=address_family) as listener:
        accepting = Accepting(listener)
        with Client(listener.address) as client, accepting.result() as accepted:
            client.send("plain")
            assert accepted.recv() == "plain"
            assert client._pipe is accepted._pipe is None


def test_the_socket_is_in_a_private_folder():
    with Listener(authkey=KEY) as listener:
        mode = os.stat(os.path.dirname(listener.address)).st_mode
    assert stat.S_IMODE(mode) == 0o700


MEETING = """
    import multiprocessing
    import sys
    import onecopy as mp
    from onecopy.connection import Client, Listener

    KEY = b"a key for this test"

    def call(address, ends):
        with Client(address, authkey=KEY) as client:
            print(type(client._pipe).__name__, flush=True)
            client.send("from a child")
            for end in ends:
                client.send(end)
            client.recv()

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        near, far = mp.Pipe()
        with Listener(authkey=KEY) as listener:
            process = mp.Process(target=call, args=(listener.address, [far]))
            process.start()
            with listener.accept() as accepted:
                print(accepted.recv())
                accepted.recv().send("through an end that was sent")
                print(near.recv())
                accepted.send("enough")
            process.join()
"""


def test_a_child_meets_its_parent(python, method):
    outcome = python(MEETING, method)
    assert outcome.stdout == "PipeEnd\nfrom a child\nthrough an end that was sent\n", outcome


GIVING_AWAY = """
    import sys
    import onecopy as mp
    from onecopy.connection import Client, Listener

    KEY = b"a key for this test"

    def answer(connection):
        connection.send(connection.recv() * 2)

    def call(address):
        with Client(address, authkey=KEY) as client:
            client.send("ha")
            print(client.recv(), flush=True)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        with Listener(authkey=KEY) as listener:
            caller = mp.Process(target=call, args=(listener.address,))
            caller.start()
            accepted = listener.accept()
            taker = mp.Process(target=answer, args=(accepted,))
            taker.start()
            accepted.close()
            for process in (caller, taker):
                process.join()
"""


def test_a_moved_connection_is_given_to_a_child(python, method):
    outcome = python(GIVING_AWAY, method)
    assert outcome.stdout == "haha\n", outcome


KILLED = """
    import os, signal
    import onecopy as mp
    from onecopy.connection import Client, Listener

    KEY = b"a key for this test"

    def call(address):
        client = Client(address, authkey=KEY)
        client.send("sent before the death")
        os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        with Listener(authkey=KEY) as listener:
            process = mp.get_context("fork").Process(target=call, args=(listener.address,))
            process.start()
            with listener.accept() as accepted:
                process.join()
                print(accepted.recv())
                try:
                    accepted.recv()
                except EOFError:
                    print("the end")
        print(mp.memory()["blocks_in_use"])
"""


def test_what_the_killed_had_sent_arrives_and_then_the_end(python):
    outcome = python(KILLED)
    assert outcome.stdout == "sent before the death\nthe end\n0\n", outcome


# --- outsiders ---


def interpreters():
    """This one, and where there are any, one of each other version of Python."""
    found = {sys.version_info[:2]: sys.executable}
    for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3")):
        version = tuple(map(int, path.parents[1].name.split(".")[:2]))
        if version >= (3, 9):
            found.setdefault(version, str(path))
    return [
        pytest.param(path, id=f"{version[0]}.{version[1]}")
        for version, path in sorted(found.items())
    ]


@pytest.fixture(params=interpreters())
def interpreter(request):
    return request.param


@pytest.fixture
def outsider(interpreter, program):
    """Starts a program under stock, which has not heard of Onecopy."""
    started = []

    def start(text, *words):
        command = [interpreter, "-u", program(text), *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


OUTSIDE_CLIENT = """
    import sys
    from multiprocessing.connection import Client

    with Client(eval(sys.argv[1]), authkey=sys.argv[2].encode()) as client:
        client.send({"from": "outside"})
        print(client.recv(), len(client.recv_bytes()))
        client.send_bytes(bytes(100000))
"""

OUTSIDE_LISTENER = """
    import sys
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Listener

    with Listener(family=sys.argv[1], authkey=b"a key for this test") as listener:
        print(repr(listener.address))
        try:
            with listener.accept() as accepted:
                print(accepted.recv(), len(accepted.recv_bytes()))
                accepted.send({"from": "outside"})
        except AuthenticationError as error:
            print("refused")
"""


def test_an_outsider_calls(outsider, address_family):
    with Listener(family=address_family, authkey=KEY) as listener:
        process = outsider(OUTSIDE_CLIENT, repr(listener.address), KEY.decode())
        with listener.accept() as accepted:
            assert accepted.recv() == {"from": "outside"}
            accepted.send(["answer"])
            accepted.send_bytes(bytes(200_000))
            assert len(accepted.recv_bytes()) == 100_000
            assert accepted._pipe is None

    assert process.stdout.read() == "['answer'] 200000\n"


def test_an_outsider_is_called(outsider, address_family):
    process = outsider(OUTSIDE_LISTENER, address_family)
    with Client(eval(process.stdout.readline()), authkey=KEY) as client:
        client.send(["question"])
        client.send_bytes(bytes(200_000))
        assert client.recv() == {"from": "outside"}
        assert client._pipe is None

    assert process.stdout.read() == "['question'] 200000\n"


def test_an_outsider_with_another_key_is_refused(outsider, address_family):
    with Listener(family=address_family, authkey=KEY) as listener:
        outsider(OUTSIDE_CLIENT, repr(listener.address), "another key")
        with pytest.raises(mp.AuthenticationError, match="^digest received was wrong$"):
            listener.accept()


def test_an_outsider_refuses_another_key(outsider, address_family):
    process = outsider(OUTSIDE_LISTENER, address_family)
    with pytest.raises(mp.AuthenticationError, match="^digest sent was rejected$"):
        Client(eval(process.stdout.readline()), authkey=b"another key")

    assert process.stdout.read() == "refused\n"


# What a program under stock and one under Onecopy give each other over a connection: a socket, a
# connection made of one, and the end of a pipe of stock's.
OUTSIDE_FRIEND = """
    import socket
    import sys
    from multiprocessing import Pipe, current_process
    from multiprocessing.connection import Client, Connection

    current_process().authkey = b"a key for this test"
    with Client(eval(sys.argv[1]), authkey=current_process().authkey) as client:
        client.recv().sendall(b"over a socket")
        client.recv().send("over a connection")

        near, far = socket.socketpair()
        client.send(far)
        print(near.recv(100).decode())
        near, far = map(Connection, (each.detach() for each in socket.socketpair()))
        client.send(far)
        print(near.recv())
        near, far = Pipe()
        client.send(far)
        print(near.recv())
"""


@pytest.fixture
def the_same_key_everywhere():
    """What sends descriptors has the key of its process, and keeps it from its first use on."""
    before, process = mp.current_process().authkey, mp.current_process()
    multiprocessing.resource_sharer.stop()
    process.authkey = KEY
    yield
    multiprocessing.resource_sharer.stop()
    process.authkey = before


def test_sockets_and_connections_to_an_outsider_and_back(
    outsider, address_family, the_same_key_everywhere
):
    with Listener(family=address_family, authkey=KEY) as listener:
        process = outsider(OUTSIDE_FRIEND, repr(listener.address))
        with listener.accept() as accepted:
            near, far = socket.socketpair()
            accepted.send(far)
            assert near.recv(100) == b"over a socket"
            near, far = map(Connection, (each.detach() for each in socket.socketpair()))
            accepted.send(far)
            assert near.recv() == "over a connection"

            accepted.recv().sendall(b"a socket's answer")
            accepted.recv().send("a connection's answer")
            accepted.recv().send("a pipe's answer")

    assert process.stdout.read() == "a socket's answer\na connection's answer\na pipe's answer\n"


ANOTHER_FAMILY = """
    import sys
    import onecopy as mp
    from onecopy.connection import Client

    mp.current_process().authkey = b"a key for this test"
    with Client(eval(sys.argv[1]), authkey=mp.current_process().authkey) as client:
        try:
            client.recv()
        except OSError as error:
            print(error)
        print(client.recv())
"""


def test_the_end_of_a_pipe_stays_in_its_family(python, the_same_key_everywhere):
    with Listener(authkey=KEY) as listener:
        accepting = Accepting(listener)

        def send():
            with accepting.result() as accepted:
                accepted.send(mp.Pipe()[0])
                accepted.send("the connection goes on")

        sending = threading.Thread(target=send)
        sending.start()
        outcome = python(ANOTHER_FAMILY, repr(listener.address))
        sending.join()

    refusal = "this end of a pipe belongs to processes of another family"
    assert outcome.stdout == f"{refusal}\nthe connection goes on\n"


@pytest.mark.parametrize("make", [mp.Queue, mp.SimpleQueue, mp.JoinableQueue])
def test_no_queue_goes_to_an_outsider(outsider, make):
    with Listener(authkey=KEY) as listener:
        process = outsider(OUTSIDE_CLIENT, repr(listener.address), KEY.decode())
        with listener.accept() as accepted:
            accepted.recv()
            with pytest.raises(RuntimeError, match="only be shared between processes"):
                accepted.send(make())
            accepted.send("the connection goes on")
            accepted.send_bytes(b"")
            accepted.recv_bytes()

    assert process.stdout.read() == "the connection goes on 0\n"


OUTSIDE_CONNECTION = """
    import sys
    from multiprocessing.connection import Connection

    reader, writer = Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]))
    while (message := reader.recv()) is not None:
        writer.send([message])
    writer.send_bytes(bytes(100_000))
"""


@pytest.mark.parametrize("kind", ["pipes", "sockets"])
def test_connections_of_descriptors_to_an_outsider(program, interpreter, kind):
    if kind == "pipes":
        (their_reader, our_writer), (our_reader, their_writer) = os.pipe(), os.pipe()
    else:
        near, far = socket.socketpair()
        our_writer, our_reader = near.fileno(), os.dup(near.detach())
        their_reader, their_writer = far.fileno(), os.dup(far.detach())
    theirs = (their_reader, their_writer)
    command = [interpreter, program(OUTSIDE_CONNECTION), *map(str, theirs)]
    with subprocess.Popen(command, pass_fds=theirs) as process:
        for descriptor in theirs:
            os.close(descriptor)
        with Connection(our_writer) as writer, Connection(our_reader, writable=False) as reader:
            for message in ("text", list(range(10_000)), np.arange(3).tolist()):
                writer.send(message)
                assert wait([reader], 60) == [reader]
                assert reader.recv() == [message]
            writer.send(None)
            assert reader.recv_bytes() == bytes(100_000)
            with pytest.raises(EOFError):
                reader.recv()
    assert process.returncode == 0


# --- hostile bytes, before anybody has shown a key ---


@pytest.fixture
def stranger():
    """A listener that accepts, and a bare socket that is connected to it."""
    with Listener(authkey=KEY) as listener, socket.socket(socket.AF_UNIX) as bare:
        accepting = Accepting(listener)
        bare.connect(listener.address)
        yield bare, accepting
        accepting.join()


def challenge(bare):
    """What the listener sends first."""
    (length,) = struct.unpack("!i", bare.recv(4))
    return bare.recv(length)


@pytest.mark.parametrize("length", [0, -1, -2, 257, 2**31 - 1, 2**62])
def test_a_forged_length(stranger, length):
    bare, accepting = stranger
    challenge(bare)
    if length == 2**62:
        bare.sendall(struct.pack("!iQ", -1, length))
    else:
        bare.sendall(struct.pack("!i", length))
    bare.shutdown(socket.SHUT_WR)

    assert isinstance(accepting.result(), (OSError, EOFError, mp.AuthenticationError))


@pytest.mark.parametrize("words", [b"", b"#WELCOME#", b"#CHALLENGE#" + bytes(20), bytes(256)])
def test_an_answer_that_is_none(stranger, words):
    bare, accepting = stranger
    challenge(bare)
    bare.sendall(struct.pack("!i", len(words)) + words)

    assert isinstance(accepting.result(), mp.AuthenticationError)


def test_silence_and_the_end(stranger):
    bare, accepting = stranger
    challenge(bare)
    bare.close()

    assert isinstance(accepting.result(), (EOFError, OSError))


def test_an_outsider_cannot_use_a_mark_again():
    """A stranger who relays a listener's marked challenge gets no further than without."""
    with Listener(authkey=KEY) as listener, Listener() as false:
        accepting = Accepting(listener)
        with socket.socket(socket.AF_UNIX) as bare:
            bare.connect(listener.address)
            marked = challenge(bare)
            relaying = Accepting(false)
            calling = threading.Thread(target=lambda: _refused(Client, false.address, authkey=KEY))
            calling.start()
            relayed = relaying.result()
            relayed.send_bytes(marked)
            relayed.recv_bytes()
            relayed.send_bytes(b"#FAILURE#")
            calling.join()
            relayed.close()
        assert isinstance(accepting.result(), (EOFError, OSError))


def _refused(call, *arguments, **keywords):
    with pytest.raises(mp.AuthenticationError):
        call(*arguments, **keywords)


def test_many_clients_at_once(python):
    """The backlog is stock's: further clients wait until somebody accepts."""
    outcome = python(
        """
        import threading
        import onecopy as mp
        from onecopy.connection import Client, Listener

        KEY = b"a key for this test"

        def call(address, number):
            with Client(address, authkey=KEY) as client:
                client.send(number)
                client.recv()

        if __name__ == "__main__":
            with Listener(backlog=8, authkey=KEY) as listener:
                context = mp.get_context("fork")
                processes = [
                    context.Process(target=call, args=(listener.address, number))
                    for number in range(8)
                ]
                for process in processes:
                    process.start()
                accepted = [listener.accept() for _ in processes]
                print(sorted(each.recv() for each in accepted))
                for each in accepted:
                    each.send("done")
                for process in processes:
                    process.join()
        """
    )
    assert outcome.stdout == "[0, 1, 2, 3, 4, 5, 6, 7]\n", outcome
