import multiprocessing as mp
import sys
from concurrent.futures import ProcessPoolExecutor


def square(x):
    return x * x


def fail(x):
    raise ValueError("no luck with", x)


if __name__ == "__main__":
    context = mp.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        print(list(executor.map(square, range(20), chunksize=3)))
        try:
            executor.submit(fail, 1).result()
        except ValueError as error:
            print(error)
