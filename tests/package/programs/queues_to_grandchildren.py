import multiprocessing as mp
import sys


def child(q, deeper):
    if deeper:
        process = mp.Process(target=child, args=(q, deeper - 1))
        process.start()
        process.join()
    q.put(deeper)


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    q = mp.Queue()
    process = mp.Process(target=child, args=(q, 2))
    process.start()
    print([q.get() for _ in range(3)])
    process.join()
