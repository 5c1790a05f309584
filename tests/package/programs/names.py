import multiprocessing as mp
import sys

print([name for name in mp.__all__ if name not in ("__version__", "install_allocator", "memory")])
print(mp.get_all_start_methods(), mp.get_start_method(allow_none=True))
mp.set_start_method(sys.argv[1])
print(mp.get_start_method(), mp.get_context().get_start_method())
try:
    mp.set_start_method("fork")
except RuntimeError as error:
    print(error)
for method in (None, "spawn", "fork", "forkserver"):
    print(type(mp.get_context(method)).__name__)
for call in (
    lambda: mp.get_context("thread"),
    lambda: mp.get_context("fork").set_start_method("spawn"),
):
    try:
        call()
    except ValueError as error:
        print(error)
