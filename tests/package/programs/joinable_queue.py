import multiprocessing as mp
import sys


def work(q, answers):
    for task in iter(q.get, None):
        answers.put(task)
        q.task_done()
    q.task_done()


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    q, answers = mp.JoinableQueue(), mp.Queue()
    q.join()
    workers = [mp.Process(target=work, args=(q, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(20):
        q.put(number)
    q.join()
    print(sorted(answers.get() for _ in range(20)), q.empty())
    for _ in workers:
        q.put(None)
    q.join()
    for worker in workers:
        worker.join()
    try:
        q.task_done()
    except ValueError as error:
        print(error)
    q.put(1)
    q.close()
    q.task_done()
    q.join()
    print("joined")
