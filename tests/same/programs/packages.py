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
@needs("pandas")
def pandas_frames_of_every_layout(pd):
    import numpy as np

    numbers = pd.DataFrame(np.arange(ROWS * 6.0).reshape(-1, 6), columns=list("abcdef"))
    dates = pd.DataFrame(np.arange(ROWS * 6).reshape(-1, 6).astype("M8[ns]"))
    mixed = numbers.assign(a=range(ROWS), b=dates[1], c="text", d=dates[2] - dates[1])
    for frame in (numbers, dates, mixed):
        for part in (
            frame,
            frame[::2],
            frame.iloc[:, ::2],
            frame[frame.columns[::-1]],
            frame.T[:9],
        ):
            came = travelled(part)
            pd.testing.assert_frame_equal(came, part)
            came.iloc[0, 0] = came.iloc[1, 0]
            print(came.shape, came.iloc[0, 0] == part.iloc[1, 0], came.iloc[:2, 1].tolist())


@program
@needs("pandas")
def pandas_types_of_its_own(pd):
    import numpy as np

    count = ROWS // 2
    when = pd.date_range("2024-01-01", periods=count, freq="h")
    columns = {
        "period": pd.period_range("2024-01", periods=count, freq="D"),
        "interval": pd.interval_range(0, count),
        "zone": when.tz_localize("UTC").tz_convert("Asia/Kolkata"),
        "span": when - when[0],
        "kind": pd.Categorical.from_codes(np.arange(count) % 3, list("xyz"), ordered=True),
        "string": pd.array([f"s{index}" for index in range(count)], "string"),
        "integer": pd.array(np.arange(count), "Int32"),
        "real": pd.array(np.arange(count) / 2, "Float64"),
        "truth": pd.array(np.arange(count) % 2 == 0, "boolean"),
        "sparse": pd.arrays.SparseArray(np.arange(count) % 5),
    }
    for name, column in columns.items():
        series = pd.Series(column, name=name)
        came = travelled(series)
        pd.testing.assert_series_equal(came, series)
        print(came.dtype, came.iloc[-1], travelled(series[::3]).equals(series[::3]))
        index = travelled(pd.Index(column))
        print(type(index).__name__, index.equals(pd.Index(column)), getattr(index, "freq", None))
    frame = pd.DataFrame({name: list(column) for name, column in columns.items()}, index=when)
    print(travelled(frame).equals(frame), travelled(frame.groupby("kind", observed=True).size()))


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
@needs("pyarrow")
def pyarrow_values(pa):
    import datetime

    day = datetime.datetime(2024, 2, 29)
    several = [
        pa.array([1.5, None] * ROWS),
        pa.array([True, None, False] * ROWS),
        pa.array([day, None] * ROWS),
        pa.array(["text", None, ""] * ROWS).dictionary_encode(),
        pa.array([[1, 2], [], None] * ROWS),
        pa.array([{"a": 1, "b": "x"}, None] * ROWS),
        pa.chunked_array([[1, 2], [3] * ROWS]),
        pa.scalar(day),
        pa.record_batch([pa.array(range(ROWS))], ["n"]),
        pa.schema([("n", pa.int64())], {"unit": "m"}),
    ]
    for value in several:
        came = travelled(value)
        print(type(came).__name__, getattr(came, "type", None), came.equals(value))


@program
@needs("polars")
def polars_types(pl):
    import datetime

    day = datetime.date(2024, 2, 29)
    frame = pl.DataFrame(
        {
            "real": [0.5, None] * ROWS,
            "day": [day, None] * ROWS,
            "list": [[1, 2], []] * ROWS,
            "kind": pl.Series(["a", "b"] * ROWS, dtype=pl.Categorical),
        }
    )
    for value in (frame, frame[::2], frame["day"], frame.lazy()):
        came = travelled(value)
        print(type(came).__name__, came.lazy().collect().schema if value is frame else "")
    print(travelled(frame).equals(frame), travelled(frame["list"]).to_list()[:3])


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
    times = np.arange(20000).astype("M8[ns]")
    dated = data.assign_coords(y=times, late=("y", times[::-1]))
    for value in (dated, dated[:, ::2], dated.T, xr.Dataset({"a": dated, "b": dated.mean("x")})):
        came = travelled(value)
        print(came.identical(value), sorted(came.coords), came.y.dtype, came.late.dtype)


@program
@needs("cloudpickle")
def cloudpickled_functions(cloudpickle):
    number = 5
    data = cloudpickle.dumps(lambda x: x + number)
    print(pickle.loads(travelled(data))(1))


if __name__ == "__main__":
    run_programs()
