import multiprocessing as mp
import sys


def rest(q):
    q.get()


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    q = mp.Queue()
    mp.Process(target=rest, args=(q,), daemon=True).start()
    q.put(1)
    print("about to fail", flush=True)
    raise LookupError("nothing there")
