"""Programs that were not started together meet at a door, and are one family from then on."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import onecopy

from .conftest import package_path, run

HOST = """
    import sys, onecopy as mp

    def host(door):
{body}

    with mp.Door(sys.argv[1]) as door:
        host(door)
"""

GUEST = """
    import sys, onecopy as mp

    def put(queue):
        queue.put("from afresh")

    if __name__ == "__main__":
        mp.join(sys.argv[1], 60)
{body}
"""


def indented(text, spaces):
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * spaces)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "private" / "door")


@pytest.fixture
def meet(program, path):
    """Runs a host and its guests at the same time; what each showed."""

    def run_all(host, *guests):
        texts = [HOST.format(body=indented(host, 8))]
        texts += [GUEST.format(body=indented(guest, 8)) for guest in guests]
        files = [program(text, f"program{number}.py") for number, text in enumerate(texts)]
        with ThreadPoolExecutor(len(files)) as threads:
            outcomes = threads.map(lambda file: run([sys.executable, file, path]), files)
            return list(outcomes)

    return run_all


def expect_well(outcomes):
    assert [outcome.code for outcome in outcomes] == [0] * len(outcomes), outcomes


def test_a_guest_finds_what_its_host_has_published(meet):
    host, guest = meet(
        """
        jobs, answers = mp.Queue(3), mp.SimpleQueue()
        mp.publish("jobs", jobs)
        mp.publish("answers", answers)
        door.admit()
        jobs.put({"numbers": [1, 2.5, "three"]})
        print(answers.get())
        """,
        """
        jobs, answers = mp.find("jobs"), mp.find("answers")
        assert type(jobs).__name__ == "Queue" and type(answers).__name__ == "SimpleQueue"
        answers.put(["got", jobs.get()])
        """,
    )

    expect_well([host, guest])
    assert host.stdout == "['got', {'numbers': [1, 2.5, 'three']}]\n"


def test_arrays_go_through_found_queues_without_a_copy_of_what_is_shared(meet):
    host, guest = meet(
        """
        import numpy as np
        tables = mp.Queue()
        mp.publish("tables", tables)
        shared = mp.zeros((1000, 1000))
        door.admit()
        tables.put(shared)
        tables.put(np.arange(1_000_000.0))
        mp.find("done", 60).get()
        print(shared[999, 999])
        """,
        """
        tables, done = mp.find("tables"), mp.Queue()
        mp.publish("done", done)
        shared, numbers = tables.get(), tables.get()
        shared[999, 999] = numbers.sum()
        done.put(None)
        """,
    )

    expect_well([host, guest])
    assert host.stdout == "499999500000.0\n"


def test_guests_are_members_with_children_of_their_own(meet):
    outcomes = meet(
        """
        answers = mp.Queue()
        mp.publish("answers", answers)
        door.admit()
        print(sorted(answers.get() for _ in range(4)))
        """,
        """
        answers = mp.find("answers")
        def child(method):
            answers.put(method)
        children = [mp.get_context("fork").Process(target=child, args=("fork",))]
        with mp.get_context("fork").Pool(2) as pool:
            pool.map(child, ["pool", "pool"])
        children[0].start()
        children[0].join()
        answers.put("guest")
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "['fork', 'guest', 'pool', 'pool']\n"


def test_a_guest_gives_a_found_queue_to_a_child_that_starts_afresh(meet):
    outcomes = meet(
        """
        answers = mp.Queue()
        mp.publish("answers", answers)
        door.admit()
        print(answers.get())
        """,
        """
        answers = mp.find("answers")
        child = mp.get_context("spawn").Process(target=put, args=(answers,))
        child.start()
        child.join()
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "from afresh\n"


def test_queues_travel_in_messages_between_host_and_guest(meet):
    outcomes = meet(
        """
        queues, answers = mp.Queue(), mp.Queue()
        mp.publish("queues", queues)
        door.admit()
        queues.put(answers)
        print(answers.get(timeout=60))
        """,
        """
        mp.find("queues").get().put("by way of a message")
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "by way of a message\n"


def test_the_family_lives_on_without_its_host(meet):
    host, guest = meet(
        """
        import os, signal
        numbers = mp.Queue()
        mp.publish("numbers", numbers)
        numbers.put(1)
        door.admit()
        mp.find("found", 60)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        """
        numbers = mp.find("numbers", 60)
        mp.publish("found", True)
        while len(mp.memory()["members"]) != 1:
            mp._engine.reclaim_dead()
        numbers.put(2)
        print(numbers.get(), numbers.get(), mp.published())
        with mp.Door(sys.argv[1]) as door:
            print(door.closed)
        """,
    )

    assert host.code == -signal.SIGKILL
    assert (guest.code, guest.stdout) == (0, "1 2 ['found']\nFalse\n"), guest


def test_a_thread_stands_at_the_door(meet):
    outcomes = meet(
        """
        import threading
        answers = mp.Queue()
        mp.publish("answers", answers)
        door.start()
        print([thread.name == f"onecopy.Door({door.path!r})" for thread in threading.enumerate()])
        print(sorted(answers.get() for _ in range(3)))
        door.close()
        assert door.closed and threading.active_count() == 1
        """,
        *["mp.find('answers').put(1)"] * 3,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "[False, True]\n[1, 1, 1]\n"


def test_a_fork_beside_the_thread_warns_of_it_by_name(meet):
    outcomes = meet(
        """
        import os, warnings
        door.start()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            child = os.fork()
            if child == 0:
                door.close()
                os._exit(0)
        os.waitpid(child, 0)
        print("onecopy.Door(" in str(warned[0].message), os.path.exists(door.path), door.closed)
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "True True False\n"


# Who waited since before the queue had a name was told of it by one ring, and waited for ever where
# that was silenced by somebody who looked meanwhile.
def test_an_event_loop_that_was_not_told_of_the_name_hears_of_it(meet):
    outcomes = meet(
        """
        import asyncio
        from queue import Empty
        answers = mp.Queue()
        async def main():
            early = asyncio.ensure_future(answers.get_async())
            await asyncio.sleep(0)
            mp.publish("answers", answers)
            try:
                answers.get_nowait()
            except Empty:
                pass
            door.start()
            print(await early)
        asyncio.run(main())
        """,
        """
        mp.find("answers", 60).put("heard")
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "heard\n"


def test_event_loops_hear_of_what_a_guest_puts(meet):
    outcomes = meet(
        """
        import asyncio
        jobs, answers = mp.Queue(1), mp.Queue()
        async def main():
            early = asyncio.ensure_future(answers.get_async())
            await asyncio.sleep(0)
            mp.publish("jobs", jobs)
            mp.publish("answers", answers)
            door.start()
            await jobs.put_async(1)
            await jobs.put_async(2)
            print(await early, await answers.get_async())
        asyncio.run(main())
        from onecopy.connection import wait
        assert wait([answers._reader]) == [answers._reader]
        print(answers.get())
        """,
        """
        import asyncio
        from onecopy.connection import wait
        jobs, answers = mp.find("jobs", 60), mp.find("answers", 60)
        async def main():
            for _ in range(2):
                await answers.put_async(await jobs.get_async() * 10)
        asyncio.run(main())
        answers.put("last")
        assert wait([jobs._reader], 0.05) == []
        for end in answers._reader, answers._writer:
            try:
                end.fileno()
            except OSError as error:
                print(error)
        """,
    )

    expect_well(outcomes)
    assert outcomes[0].stdout == "10 20\nlast\n"
    assert outcomes[1].stdout.count("no descriptor to be watched by") == 2


def test_named_segments_live_as_long_as_the_family(meet):
    host, guest = meet(
        """
        answers = mp.Queue()
        mp.publish("answers", answers)
        door.admit()
        from onecopy.shared_memory import SharedMemory
        segment = SharedMemory(answers.get())
        print(bytes(segment.buf[:3]))
        segment.close()
        mp.find("seen", 60).put(None)
        """,
        """
        from onecopy.shared_memory import SharedMemory
        segment = SharedMemory(create=True, size=100)
        segment.buf[:3] = b"abc"
        seen = mp.Queue()
        mp.publish("seen", seen)
        mp.find("answers").put(segment.name)
        seen.get()
        segment.close()
        segment.unlink()
        """,
    )

    expect_well([host, guest])
    assert host.stdout == "b'abc'\n"


# -- refusals -------------------------------------------------------------------------------------


def test_who_has_a_family_cannot_join(path):
    onecopy.memory()

    with pytest.raises(ValueError, match="in a family already"):
        onecopy.join(path)


def refusal(python, path, *before):
    outcome = python(
        "\n".join(
            [
                "import os, sys, onecopy as mp",
                *before,
                "try:",
                "    mp.join(sys.argv[1], 0.2)",
                "except Exception as error:",
                "    print(type(error).__name__, error)",
            ]
        ),
        path,
    )
    assert outcome.code == 0, outcome
    return outcome.stdout


def test_where_there_is_no_door_nobody_comes_in(python, path):
    assert refusal(python, path).startswith("FileNotFoundError")
    os.mkdir(os.path.dirname(path), 0o700)
    assert refusal(python, path).startswith("FileNotFoundError")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as left_behind:
        left_behind.bind(path)
    assert refusal(python, path).startswith("ConnectionRefusedError")


def test_a_door_that_nobody_stands_at_is_told_of(python, path):
    with onecopy.Door(path):
        told = refusal(python, path)
    assert told.startswith("TimeoutError")
    assert f"process {os.getpid()} has opened" in told


def test_a_directory_that_is_open_to_others_is_refused(python, path):
    os.mkdir(os.path.dirname(path), 0o700)
    os.chmod(os.path.dirname(path), 0o755)
    with pytest.raises(PermissionError, match="0755; it must have 0700"):
        onecopy.Door(path)
    assert "0755" in refusal(python, path)


def test_another_version_is_refused_and_both_are_named(path):
    with onecopy.Door(path) as door:
        door.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as guest:
            guest.connect(path)
            version = 9 << 20 | 8 << 10 | 7
            hello = b"oc\0hello" + b"".join(
                number.to_bytes(4, sys.byteorder) for number in (version, 77, os.getpid(), 0)
            )
            guest.send(hello)
            answer, ancillary, *_ = guest.recvmsg(4096, 4096)
    assert ancillary == []
    assert b"9.8.7 (layout 77)" in answer
    assert onecopy.__version__.encode() in answer


def test_a_door_stands_in_a_directory_of_its_own(path):
    with onecopy.Door(path) as door:
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
        assert door.path == path
        assert repr(door) == f"<Door {path!r}>"
        with pytest.raises(OSError, match=f"process {os.getpid()}") as refused:
            onecopy.Door(path)
        assert refused.value.errno == errno.EADDRINUSE
        with pytest.raises(TimeoutError):
            door.admit(0)
    assert not os.path.exists(path)
    assert repr(door) == f"<Door {path!r} closed>"
    with pytest.raises(OSError, match="closed"):
        door.admit()


def test_closing_a_door_ends_who_waits_at_it(path):
    door = onecopy.Door(path)
    ended = []

    def wait():
        try:
            door.admit()
        except OSError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    door.close()
    waiting.join()
    assert len(ended) == 1


def test_a_ctrl_c_ends_a_join_and_an_admission(path):
    for text in ("mp.join({0!r}, None)", "mp.Door({0!r}).admit()"):
        lines = ["import onecopy as mp", "print('now', flush=True)", text.format(path)]
        waiting = subprocess.Popen(
            [sys.executable, "-c", "\n".join(lines)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": package_path()},
            text=True,
        )
        assert waiting.stdout.readline() == "now\n"
        # One may come before the call that it is to interrupt; the traceback ends in either.
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate()
        assert told.rstrip().endswith("KeyboardInterrupt")
