"""Client and Listener, on this machine only."""

import multiprocessing as mp
import os
import socket
import tempfile
import threading
from multiprocessing import connection
from multiprocessing.connection import Client, Connection, Listener

from telling import program, run_programs, show

KEY = b"a key for this test"


def call(address, authkey, *words):
    with Client(address, authkey=authkey) as client:
        for word in words:
            client.send(word)
        client.send(client.recv() * 2)


def converse(listener, authkey):
    """A process calls; what it says, and what it makes of the answer."""
    process = mp.Process(target=call, args=(listener.address, authkey, "hello", [1, {2: 3}]))
    process.start()
    with listener.accept() as accepted:
        print(accepted.recv(), accepted.recv())
        accepted.send("ha")
        print(accepted.recv())
        show(accepted.recv)
    process.join()
    print(process.exitcode)


@program
def by_tcp():
    with Listener(("127.0.0.1", 0)) as listener:
        print(listener.address[0], listener.last_accepted)
        converse(listener, None)
        print(listener.last_accepted[0])


@program
def by_tcp_with_a_key():
    with Listener(("127.0.0.1", 0), authkey=KEY) as listener:
        converse(listener, KEY)


@program
def by_a_name():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with Listener(path, "AF_UNIX", authkey=KEY) as listener:
            print(os.path.exists(path), listener.address == path)
            converse(listener, KEY)
        print(os.path.exists(path))


@program
def by_no_name():
    with Listener() as listener:
        print(type(listener.address).__name__, os.path.exists(listener.address))
        converse(listener, None)


@program
def by_family():
    with Listener(family="AF_UNIX") as listener:
        converse(listener, None)
    with Listener(family="AF_INET") as listener:
        print(len(listener.address))


@program
def wrong_key():
    with Listener(("127.0.0.1", 0), authkey=KEY) as listener:
        told = []

        def accept():
            try:
                listener.accept()
            except Exception as error:
                told.append(error)

        thread = threading.Thread(target=accept)
        thread.start()
        show(Client, listener.address, authkey=b"another")
        thread.join()
        print(repr(told[0]), isinstance(told[0], mp.ProcessError))


@program
def wrong_arguments():
    show(Listener, ("127.0.0.1", 0), authkey="text")
    show(Client, ("127.0.0.1", 1), authkey="text")
    show(Listener, 5)
    show(Listener, "x", "AF_NONSENSE")
    show(Client)
    show(Client, r"\\.\pipe\x")
    with tempfile.TemporaryDirectory() as folder:
        try:
            Client(os.path.join(folder, "nobody"))
        except OSError as error:
            print(type(error).__name__, error.errno)


@program
def closed_listener():
    listener = Listener(("127.0.0.1", 0))
    listener.close()
    listener.close()
    show(listener.accept)
    show(lambda: listener.address)


@program
def bytes_over_a_socket():
    with Listener(("127.0.0.1", 0)) as listener:
        client = Client(listener.address)
        accepted = listener.accept()
        client.send_bytes(b"abcdef", 2, 3)
        print(accepted.recv_bytes())
        accepted.send_bytes(b"too long")
        show(client.recv_bytes_into, bytearray(3))
        print(accepted.poll(), accepted.writable, type(accepted).__name__)
        client.close()
        print(accepted.poll(10))
        show(accepted.recv)
        accepted.close()


@program
def wait_for_sockets_and_pipes():
    reader, writer = mp.Pipe(duplex=False)
    with Listener(("127.0.0.1", 0)) as listener:
        client = Client(listener.address)
        accepted = listener.accept()
        print(connection.wait([accepted, reader], 0))
        writer.send("pipe")
        print([each is reader for each in connection.wait([accepted, reader])])
        client.send("socket")
        print(len(connection.wait([accepted, reader], 30)), accepted.recv(), reader.recv())
        client.close()
        accepted.close()


@program
def connection_of_a_descriptor():
    near, far = socket.socketpair()
    first, second = Connection(near.detach()), Connection(far.detach())
    first.send({"a": [1]})
    print(second.recv(), second.poll())
    with first:
        pass
    show(second.recv)
    show(Connection, -1)
    show(Connection, "x")
    second.close()
    one_way = Connection(os.open(os.devnull, os.O_RDONLY), writable=False)
    show(one_way.send, 1)
    show(one_way.recv)
    one_way.close()
    show(Connection, 1, False, False)


@program
def accepted_to_another_process():
    with Listener(("127.0.0.1", 0)) as listener:
        client = Client(listener.address)
        accepted = listener.accept()
        process = mp.Process(target=say_and_close, args=(accepted,))
        process.start()
        accepted.close()
        print(client.recv())
        process.join()
        client.close()


def say_and_close(end):
    end.send("from the child")
    end.close()


@program
def socket_to_another_process():
    near, far = socket.socketpair()
    queue = mp.SimpleQueue()
    process = mp.Process(target=write_into, args=(queue,))
    process.start()
    queue.put(far)
    print(near.recv(100))
    process.join()


def write_into(queue):
    queue.get().sendall(b"from the child")


def meet(listener):
    """A client in this process, and what was accepted."""
    found = []
    thread = threading.Thread(target=lambda: found.append(listener.accept()))
    thread.start()
    client = Client(listener.address, authkey=KEY)
    thread.join()
    return client, found[0]


@program
def waiting_with_a_key():
    with Listener(authkey=KEY) as listener:
        client, accepted = meet(listener)
        print(connection.wait([client, accepted], 0), accepted.poll(), accepted.poll(0.01))
        client.send("a")
        print(accepted.poll(30), len(connection.wait([client, accepted])), accepted.recv())
        client.send_bytes(b"abc")
        show(accepted.recv_bytes, 2)
        client.close()
        accepted.close()


@program
def ends_and_sockets_with_a_key():
    with Listener(("127.0.0.1", 0), authkey=KEY) as listener:
        client, accepted = meet(listener)
        near, far = socket.socketpair()
        reader, writer = mp.Pipe(duplex=False)
        client.send(far)
        client.send(reader)
        sent, end = accepted.recv(), accepted.recv()
        sent.sendall(b"through the socket")
        writer.send("through the pipe")
        print(near.recv(100), end.recv())
        print(listener.last_accepted[0], repr(accepted).partition(" at ")[0].rpartition(".")[2])
        for each in (near, far, sent, reader, writer, end, client, accepted):
            each.close()


@program
def closed_with_a_key():
    with Listener(authkey=KEY) as listener:
        client, accepted = meet(listener)
        with client:
            client.send("last")
        print(client.closed, accepted.recv())
        show(client.send, 1)
        show(client.fileno)
        show(accepted.recv)
        with accepted:
            pass
        accepted.close()
        print(accepted.closed)


@program
def descriptors_with_a_key():
    with Listener(authkey=KEY) as listener:
        client, accepted = meet(listener)
        near, far = socket.socketpair()
        mp.reduction.send_handle(client, far.fileno(), os.getpid())
        with socket.socket(fileno=mp.reduction.recv_handle(accepted)) as received:
            received.sendall(b"through a descriptor")
        print(near.recv(100))
        for each in (near, far, client, accepted):
            each.close()


@program
def challenges():
    first, second = mp.Pipe()
    told = []
    thread = threading.Thread(target=lambda: told.append(connection.deliver_challenge(first, KEY)))
    thread.start()
    connection.answer_challenge(second, KEY)
    thread.join()
    print(told)


if __name__ == "__main__":
    run_programs()
