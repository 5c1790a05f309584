import multiprocessing as mp
import os
import signal
import sys
import time


class Own(mp.Process):
    def __init__(self, q):
        super().__init__(name="own", daemon=True)
        self.q = q

    def run(self):
        me, parent = mp.current_process(), mp.parent_process()
        self.q.put(
            (
                type(me).__name__,
                me.name,
                me.daemon,
                parent.pid == os.getppid() or sys.argv[1] == "forkserver",
                parent.name,
                mp.active_children(),
                sorted(me._config) == sorted(mp.current_process()._config),
            )
        )


def leave(code):
    sys.exit(code)


def sleep(started):
    started.send(os.getpid())
    time.sleep(1000)


def nest(q):
    try:
        mp.Process(target=print).start()
    except AssertionError as error:
        q.put(str(error))


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    q = mp.Queue()
    own = Own(q)
    print(own, own.exitcode, own.pid, own.is_alive())
    own.start()
    print(q.get())
    own.join(30)
    print(own, own.exitcode, own.is_alive(), mp.active_children())
    try:
        own.start()
    except AssertionError as error:
        print(error)
    for code in (None, 0, 3, "text", 2.5):
        process = mp.Process(target=leave, args=(code,))
        process.start()
        process.join()
        print(process.exitcode)
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=sleep, args=(writer,), name="sleeper")
    process.start()
    print(reader.recv() == process.pid, process.is_alive(), mp.active_children() == [process])
    print(process.join(0.01), process.exitcode)
    try:
        process.close()
    except ValueError as error:
        print(error)
    process.terminate()
    process.join()
    print(process.exitcode == -signal.SIGTERM, process)
    process.close()
    try:
        process.join()
    except ValueError as error:
        print(error)
    process = mp.Process(target=nest, args=(q,), daemon=True)
    process.start()
    print(q.get())
    process.kill()
    process.join()
    print(mp.current_process(), mp.parent_process(), mp.active_children(), mp.cpu_count())
