import multiprocessing as mp
import sys


def child(shared, q):
    shared["key"] = [1, 2]
    q.put("done")


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    with mp.Manager() as manager:
        shared, q = manager.dict(), manager.Queue()
        process = mp.Process(target=child, args=(shared, q))
        process.start()
        print(q.get(), shared)
        process.join()
