import multiprocessing as mp
import os
import sys


def middle(end):
    for connection in iter(end.recv, None):
        connection.send(("from the middle", os.getpid() > 0))
        connection.close()


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    ours, theirs = mp.Pipe()
    process = mp.Process(target=middle, args=(theirs,))
    process.start()
    theirs.close()
    for duplex in (True, False):
        reader, writer = mp.Pipe(duplex)
        ours.send(writer)
        writer.close()
        print(reader.recv())
        try:
            reader.recv()
        except EOFError:
            print("the end")
    ours.send(None)
    process.join()
    print(process.exitcode)
