"""A root, what it starts, and what that starts: for others to kill.

    python generations.py METHOD SHAPE WORK

SHAPE is `children` (daemons of the root), `template` (the same, and a line on stdin has the root
kill its template and start one more) or `grandchildren` (daemons of a process between). The daemons
do WORK until they are killed. Prints `NAME PID` for each process, then `ready`; then each line on
stdin is answered by a line, for as long as the root lives.
"""

import hashlib
import os
import signal
import sys
from multiprocessing import forkserver

import onecopy as mp


def busy():
    while True:
        pass


def get():
    mp.Queue().get()


def put():
    queue = mp.Queue(1)
    while True:
        queue.put(1)


def call():
    """A call into C that lets go of the interpreter and does not come back for an hour."""
    hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 2**31 - 1)


def daemon(told, work):
    told.put(("daemon", os.getpid()))
    globals()[work]()


def start_daemons(told, work):
    for _ in range(2):
        mp.Process(target=daemon, args=(told, work), daemon=True).start()


def between(told, method, work):
    mp.set_start_method(method, force=True)
    start_daemons(told, work)
    told.put(("between", os.getpid()))
    signal.pause()


def show(told, count):
    for _ in range(count):
        print(*told.get(), flush=True)


def kill_template(told):
    template = forkserver._forkserver._forkserver_pid
    os.kill(template, signal.SIGKILL)
    os.waitid(os.P_PID, template, os.WEXITED | os.WNOWAIT)
    mp.Process(target=daemon, args=(told, "get"), daemon=True).start()
    show(told, 1)


def main():
    method, shape, work = sys.argv[1:]
    mp.set_start_method(method)
    told = mp.Queue()
    if shape == "grandchildren":
        mp.Process(target=between, args=(told, method, work)).start()
        show(told, 3)
    else:
        start_daemons(told, work)
        show(told, 2)
    print("root", os.getpid(), flush=True)
    print("ready", flush=True)
    for line in sys.stdin:
        if shape == "template":
            kill_template(told)
        queue = mp.Queue()
        queue.put(line)
        print(queue.get(), end="", flush=True)


if __name__ == "__main__":
    main()
