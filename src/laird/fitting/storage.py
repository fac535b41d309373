"""A fit as a group of a data tree, next to its draws and data, from which it can be built again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.codec import encode
from laird.fitting.datatree import data_tree, to_datatree
from laird.fitting.reevaluation import log_densities

if TYPE_CHECKING:
    import xarray as xr

GROUP = "fit"
FORMAT = 1
EVALUATED = ("point", "theta", "draws", "priors")
"""The fields of a fit at which, and with which, log densities are evaluated."""

STATE, DIGEST, VERSION = "state", "digest", "format"


def fit_tree(parts: Mapping[str, Any]) -> xr.DataTree:
    """The draws, if there are some, and the data of a fit, and a group ``fit`` with all else that it is.

    Parameters
    ----------
    parts
        The fields of a `laird.fitting.result.Fit`, by name.
    """
    draws, problem, attributes = parts["draws"], parts["problem"], _attributes(parts)
    tree = data_tree(problem, attributes) if draws is None else to_datatree(draws, problem, attributes)
    return tree.assign({GROUP: _fit_group(parts, tree)})


def write(tree: xr.DataTree, path: object) -> Path:
    """Write a tree as netCDF and return the path.

    Raises
    ------
    FitError
        The file cannot be written.
    """
    if not isinstance(path, str | Path):
        raise FitError(f"{path!r} is no path.", remedy='Write `fit.save("fit.nc")`.')
    try:
        tree.to_netcdf(path, engine="h5netcdf")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise FitError(
            f"The file {path} cannot be written: {reason}.",
            remedy="Name a file in an existing folder that can be written to.",
        ) from None
    return Path(path)


def _attributes(parts: Mapping[str, Any]) -> dict[str, object]:
    checked = {f"check_{check.check}": check.value for check in parts["checks"]}
    formula = parts["problem"].spec.formula
    return {"method": parts["method"], "formula": formula, **checked, **parts["origin"].attributes()}


def _fit_group(parts: Mapping[str, Any], tree: xr.DataTree) -> xr.DataTree:
    import xarray as xr

    found = encode(_state(parts), dict(_arrays(tree)))
    variables: dict[str, Any] = {name: (f"{name}_at", array) for name, array in found.arrays.items()}
    variables[STATE] = ((), np.array(found.text, dtype=object))
    return xr.DataTree(xr.Dataset(variables, attrs={VERSION: FORMAT, DIGEST: found.digest, **tree.attrs}))


def _state(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored: the fields, of the problem what it is built from, and log densities to find again."""
    problem = parts["problem"]
    evaluated = (parts[name] for name in EVALUATED)
    own = {name: value for name, value in parts.items() if name != "problem"}
    return {
        **own,
        **{name: getattr(problem, name) for name in ("spec", "schema", "design")},
        "origin": parts["origin"].record(),
        "log_densities": log_densities(problem, *evaluated),
    }


def _arrays(tree: xr.DataTree) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays of numbers of all groups, by path."""
    for node in tree.subtree:
        for name, variable in node.variables.items():
            if variable.dtype.kind in "fib":
                yield f"{node.path}/{name}", variable.values
