"""Values of packages that may be there: a program that misses its package says so on both sides."""

import pickle

from telling import program, run_programs
from travelling import travelled

ROWS = 20000  # columns of which take more than one block


def needs(name):
    """The program runs where the package of that name is installed."""

    def decorate(function):
        def run():
            try:
                package = __import__(name, fromlist=["x"])
            except ImportError:
                print("not installed")
            else:
                function(package)

        run.__name__ = function.__name__
        return run

    return decorate


@program
@needs("pandas")
def pandas_frames(pd):
    frame = pd.DataFrame(
        {
            "number": range(ROWS),
            "real": [index / 7 for index in range(ROWS)],
            "text": [f"row {index}" for index in range(ROWS)],
            "kind": pd.Categorical(["a", "b"] * (ROWS // 2)),
            "when": pd.date_range("2024-01-01", periods=ROWS, freq="min", tz="UTC"),
            "maybe": pd.array([1, None] * (ROWS // 2), dtype="Int64"),
        }
    )
    came = travelled(frame)
    pd.testing.assert_frame_equal(came, frame)
    print(came.dtypes.to_dict(), came.index)
    came.loc[0, "number"] = 7
    came["new"] = came["real"] * 2
    print(came.tail(2).to_dict(), frame.loc[0, "number"])


@program
@needs("pandas")
def pandas_series_and_indexes(pd):
    series = pd.Series([1.5, None, 3], index=list("abc"), name="s")
    several = pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["l", "n"])
    for value in (series, pd.Series(["a", None], dtype="string"), series.astype("category")):
        came = travelled(value)
        print(came, came.dtype)
    for value in (several, pd.RangeIndex(5), pd.Timestamp("2024-01-01", tz="Europe/Paris"), pd.NaT):
        print(travelled(value))
    print(travelled({"a": [series], "b": (pd.Timedelta("1s"), pd.Interval(0, 1), pd.NA)}))


@program
@needs("pandas")
def pandas_frame_that_is_empty(pd):
    for frame in (pd.DataFrame(), pd.DataFrame(columns=["a"]), pd.DataFrame(index=[1, 2])):
        came = travelled(frame)
        print(came.shape, came.columns, came.index)
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["note"] = "kept"
    print(travelled(frame).attrs)


@program
@needs("scipy.sparse")
def scipy_sparse_matrices(sparse):
    for form in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        for size in (5, 300):
            matrix = sparse.random(size, size, 0.5, form, random_state=1)
            came = travelled(matrix)
            print(type(came).__name__, came.dtype, came.shape, came.nnz, abs(came - matrix).sum())
    came = travelled(sparse.eye(20000, format="csr"))
    came.data[0] = 5.0
    print(came.sum())


@program
@needs("pyarrow")
def pyarrow_tables(pa):
    table = pa.table({"n": list(range(ROWS)), "s": [str(index) for index in range(ROWS)]})
    for value in (table, table.slice(5, 10), table["n"], pa.array([1, None]), table.schema):
        came = travelled(value)
        print(type(came).__name__, came.equals(value))
    came = travelled(pa.py_buffer(b"x" * 100000))
    print(came.size)


@program
@needs("polars")
def polars_frames(pl):
    frame = pl.DataFrame({"n": range(ROWS), "s": [str(index) for index in range(ROWS)]})
    came = travelled(frame)
    print(came.equals(frame), came.schema, travelled(frame["n"]).sum())


@program
@needs("xarray")
def xarray_data(xr):
    import numpy as np

    data = xr.DataArray(np.arange(60000.0).reshape(3, -1), dims=("x", "y"), attrs={"unit": "m"})
    came = travelled(data)
    print(came.identical(data), came.attrs)
    came[0, 0] = 5
    print(float(came[0, 0]), float(data[0, 0]))
    print(travelled(xr.Dataset({"a": data})).sizes)


@program
@needs("cloudpickle")
def cloudpickled_functions(cloudpickle):
    number = 5
    data = cloudpickle.dumps(lambda x: x + number)
    print(pickle.loads(travelled(data))(1))


if __name__ == "__main__":
    run_programs()
