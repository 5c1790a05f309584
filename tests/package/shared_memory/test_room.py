"""A segment has all its memory when it is made. Stock's ends with SIGBUS where /dev/shm is full."""

import errno
import os
import signal
import subprocess
import sys

from onecopy.shared_memory import SharedMemory

FILL = """
    from onecopy.shared_memory import SharedMemory
    try:
        SharedMemory("onecopy-full", create=True, size=64 << 20)
    except OSError as error:
        print(error.errno, error)
    memories = []
    try:
        while len(memories) < 100:
            memories.append(SharedMemory(create=True, size=3 << 20))
    except OSError as error:
        print(error.errno, error)
    print(len(memories))
    for memory in memories:
        memory.buf[:] = bytes(memory.size)
        memory.close()
        memory.unlink()
    SharedMemory("onecopy-full", create=True, size=6 << 20).unlink()
"""


def test_a_full_dev_shm_is_an_error_and_no_sigbus(program):
    small = "mount -t tmpfs -o size=8m tmpfs /dev/shm && exec "
    command = [sys.executable, program(FILL)]
    if subprocess.call(["unshare", "-m", "true"], stderr=subprocess.DEVNULL) == 0:
        command = ["unshare", "-m", "sh", "-c", small + " ".join(command)]
        expected = (
            f"{errno.ENOSPC} [Errno 28] no room for {64 << 20} bytes of shared memory: '/dev/shm'\n"
            f"{errno.ENOSPC} [Errno 28] no room for {3 << 20} bytes of shared memory: '/dev/shm'\n"
            "2\n"
        )
    else:
        command = ["sh", "-c", "ulimit -f 4096 && exec " + " ".join(command)]  # 2 or 4 MiB
        expected = f"{errno.EFBIG} [Errno 27] File too large\n" * 2 + "0\n"

    told = subprocess.run(command, capture_output=True, check=False, text=True)

    assert (told.returncode, told.stdout, told.stderr) == (0, expected, ""), told


def test_memory_is_got_among_signals(memory):
    # Each interrupts what gives the memory.
    received = []
    before = signal.signal(signal.SIGALRM, lambda *_: received.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        large = SharedMemory(create=True, size=200 << 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert os.stat(f"/dev/shm/{large.name}").st_blocks * 512 >= large.size
    assert received
    large.close()
    large.unlink()
