"""What the kernel says of a process or a thread. Programs of the tests import this too."""

import time


def state_of(task):
    """The letter under which the kernel lists it: S asleep, R running, ..."""
    with open(f"/proc/{task}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def sleeps(task):
    """Whether it sleeps, and goes on sleeping: a thread that only waits for the interpreter gets it
    while we look away."""
    for _ in range(5):
        if state_of(task) != "S":
            return False
        time.sleep(0.002)
    return True
