import multiprocessing as mp
import sys


def say(writer):
    writer.send("first")
    writer.send(["second"] * 3)


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=say, args=(writer,))
    process.start()
    writer.close()
    process.join()
    print(reader.recv(), reader.poll(), reader.recv(), reader.poll())
    for _ in range(2):
        try:
            reader.recv()
        except EOFError as error:
            print("the end", error.args)
    reader, writer = mp.Pipe(duplex=False)
    reader.close()
    try:
        writer.send(1)
    except BrokenPipeError as error:
        print(error)
