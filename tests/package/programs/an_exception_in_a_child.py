import multiprocessing as mp
import sys


def fail():
    raise LookupError("nothing there")


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    process = mp.Process(target=fail, name="failing")
    process.start()
    process.join()
    print(process.exitcode)
