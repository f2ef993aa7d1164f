"""HDF5: a dataset a column, beside it a mask where the column has NULLs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.errors import MissingExtraError, SinkError
from synthlake.sink.text import readable

_CHUNK: Final = 16_384
MASKS: Final = "_null"


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Datasets named as the columns (``/`` as ``%2F``), in order of creation.

    Numbers and booleans are themselves; times are integers in the unit of their type, dates days;
    all else is UTF-8 text. A NULL is 0 or an empty text, and True in ``_null/<column>``. Attributes
    of a dataset: ``name`` and ``arrow_type``.

    Raises:
        MissingExtraError: h5py is not installed.
        SinkError: a text holds NUL, which HDF5 ends texts with.
    """
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("h5py", "hdf5") from None
    with h5py.File(path, "w", track_order=True) as file:
        columns = [_create(file, h5py, field) for field in schema]
        start = 0
        for batch in batches:
            for data, values in zip(columns, batch.columns, strict=True):
                _append(file, data, start, values)
            start += batch.num_rows


def _create(file: Any, h5py: Any, field: pa.Field[Any]) -> Any:
    kind = _numpy_type(field.type)
    data = file.create_dataset(
        field.name.replace("%", "%25").replace("/", "%2F").replace(".", "%2E"),
        shape=(0,),
        maxshape=(None,),
        chunks=(_CHUNK,),
        dtype=h5py.string_dtype() if kind is None else kind,
        compression=None if kind is None else "gzip",
    )
    data.attrs["name"], data.attrs["arrow_type"] = field.name, str(field.type)
    return data


def _append(file: Any, data: Any, start: int, values: pa.Array[Any]) -> None:
    end = start + len(values)
    cells = _cells(values)
    if cells.dtype == object and any("\0" in text for text in cells):
        raise SinkError(
            f"column {data.attrs['name']} has texts with NUL characters, which HDF5 cannot hold",
            hint="choose another format, such as parquet",
        )
    data.resize((end,))
    data[start:end] = cells
    name = f"{MASKS}/{data.name.lstrip('/')}"
    if values.null_count and name not in file:
        file.create_dataset(
            name, shape=(start,), maxshape=(None,), chunks=(_CHUNK,), dtype=bool, compression="gzip"
        )
    if name in file:
        file[name].resize((end,))
        file[name][start:end] = pc.is_null(values).to_numpy(zero_copy_only=False)


def _numpy_type(kind: pa.DataType) -> np.dtype[Any] | None:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return np.dtype(kind.to_pandas_dtype())
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return np.dtype(np.int32)
    if any(t(kind) for t in (pa.types.is_timestamp, pa.types.is_duration, pa.types.is_time64)):
        return np.dtype(np.int64)
    return np.dtype(np.int64) if pa.types.is_date64(kind) else None


def _cells(values: Any) -> NDArray[Any]:
    kind = _numpy_type(values.type)
    if kind is None:
        return np.array(pc.fill_null(readable(values), "").to_pylist(), dtype=object)
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int32() if kind == np.int32 else pa.int64())
    if pa.types.is_float16(values.type):  # Arrow fills no NULLs of halves
        values = values.cast(pa.float32())
    filled = pc.fill_null(values, pa.scalar(0).cast(values.type))
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=kind)
