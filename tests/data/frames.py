"""One table as every kind of frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

KINDS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def to_pandas(result: Any) -> Any:
    """A frame or series of any kind as pandas, categories as text."""
    if isinstance(result, pa.ChunkedArray):
        return pd.Series(result.to_pylist())
    if isinstance(result, pd.DataFrame | pd.Series):
        return result
    return result.to_pandas()
