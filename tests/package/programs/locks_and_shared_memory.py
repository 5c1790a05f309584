import multiprocessing as mp
import sys


def child(lock, condition, event, value, array, barrier, semaphore):
    barrier.wait()
    for _ in range(100):
        with lock:
            value.value += 1
    array[0] = 7
    with condition:
        condition.notify_all()
    semaphore.release()
    event.set()


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    lock, condition, event, semaphore = mp.Lock(), mp.Condition(), mp.Event(), mp.Semaphore(0)
    value, array, barrier = mp.Value("i", 0), mp.Array("d", 3), mp.Barrier(3)
    processes = [
        mp.Process(target=child, args=(lock, condition, event, value, array, barrier, semaphore))
        for _ in range(2)
    ]
    with condition:
        for process in processes:
            process.start()
        barrier.wait()
        condition.wait(30)
    print(event.wait(30), semaphore.acquire(timeout=30))
    for process in processes:
        process.join()
    print(value.value, array[:])
