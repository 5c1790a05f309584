import multiprocessing as mp
import sys


def child(answers):
    answers.put((mp.get_start_method(), mp.get_start_method(allow_none=True)))


if __name__ == "__main__":
    for method in ("spawn", sys.argv[1]):
        context = mp.get_context(method)
        answers = context.SimpleQueue()
        process = context.Process(target=child, args=(answers,))
        process.start()
        print(method, answers.get())
        process.join()
    print(mp.get_start_method(allow_none=True))
