"""Samples for the estimators: the slides' schools, and small ones with known lines."""

import numpy as np
import pandas as pd

from laird.compare.estimates import Sample


def sample(data: pd.DataFrame, y: str, x: list[str], group: str, w: pd.DataFrame | None = None) -> Sample:
    """The arrays of a frame; `w` has one row per group, in the order of the sorted labels."""
    ids, labels = pd.factorize(data[group].astype(str), sort=True)
    names = () if w is None else tuple(w)
    columns = [np.ones(len(labels)), *(() if w is None else w.to_numpy(float).T)]
    return Sample(
        y=data[y].to_numpy(float, copy=True),
        x=data[x].to_numpy(float, copy=True),
        w=np.column_stack(columns),
        ids=ids.astype(np.int64),
        x_names=tuple(x),
        w_names=("Intercept", *names),
        groups=tuple(labels),
        group=group,
    )


def schools(hs: pd.DataFrame, *, by_sector: bool = True) -> Sample:
    """mathach on ses in the schools of the slides."""
    public = hs.groupby(hs.school.astype(str)).Sector.first().eq("Public")
    w = pd.DataFrame({"Sector[Public]": public}) if by_sector else None
    return sample(hs, "mathach", ["ses"], "school", w)


def dummy_regression(data: pd.DataFrame, y: str, columns: np.ndarray):
    """Least squares with its covariance, the plain way: an oracle."""
    beta, *_ = np.linalg.lstsq(columns, data[y].to_numpy(float), rcond=None)
    residual = data[y].to_numpy(float) - columns @ beta
    df = len(data) - columns.shape[1]
    return beta, residual @ residual / df * np.linalg.inv(columns.T @ columns), df
