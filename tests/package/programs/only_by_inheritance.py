import multiprocessing as mp
import pickle
import sys

if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    for make in (mp.Queue, mp.JoinableQueue, mp.SimpleQueue, mp.Lock, mp.Event):
        try:
            pickle.dumps(make())
        except RuntimeError as error:
            print(error)
