"""Fits read from files: everything as it was, nothing fitted again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError, nearest
from laird.fitting.codec import decode, digest
from laird.fitting.origin import Origin
from laird.fitting.problem import problem
from laird.fitting.reevaluation import check_same, log_densities
from laird.fitting.result import Fit
from laird.fitting.storage import DIGEST, EVALUATED, FORMAT, GROUP, STATE, VERSION

if TYPE_CHECKING:
    import xarray as xr

REMEDY = "Write a fit with `fit.save(path)`, or its `fit.to_datatree()` as netCDF."


def load_fit(source: str | Path | xr.DataTree) -> Fit:
    """Load a fit that `Fit.save` wrote, or that stands in a tree of `Fit.to_datatree`.

    Nothing is fitted again: spec, schema, design, estimates, draws and priors are those
    stored, to the last bit.  The file must be whole (a digest of all its numbers), and the
    log density, evaluated again at stored draws, or at the estimate, must be what it was.

    Parameters
    ----------
    source
        Path of a netCDF file, or a tree that was read from one.

    Raises
    ------
    FitError
        There is no such file, it holds no fit, it was altered, or this version of laird
        computes another log density.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("eb", random_seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     path = fit.save(Path(folder, "dyestuff.nc"))
    ...     again = ld.load_fit(path)
    >>> again.summary().equals(fit.summary())
    True
    """
    own = _Stored(_tree(source) if isinstance(source, str | Path) else source)
    own.check()
    return _built(decode(own.text, own.array))


def _tree(source: str | Path) -> xr.DataTree:
    import xarray as xr

    path = Path(source)
    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*.nc")]
        raise FitError(f"There is no file {path}.", allowed=nearest(path.name, beside))
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except OSError as error:
        raise FitError(f"The file {path} is no netCDF file: {error}.", remedy=REMEDY) from None


class _Stored:
    """The group of a fit in a tree."""

    def __init__(self, tree: xr.DataTree) -> None:
        if not hasattr(tree, "children"):
            raise FitError(f"{tree!r} is neither a path nor a tree of data.", remedy=REMEDY)
        self.tree = tree
        self.own = tree.children.get(GROUP)
        if self.own is None or STATE not in self.own.variables:
            raise FitError("These data hold no fit of laird.", allowed=_groups(tree), remedy=REMEDY)

    @property
    def text(self) -> str:
        return str(self.array(STATE).item())

    def array(self, name: str) -> NDArray[Any]:
        """An array by its path in the tree, or by its name in the group."""
        home, _, variable = name.rpartition("/")
        node = self.tree.children.get(home.strip("/") or GROUP)
        if node is None or variable not in node.variables:
            raise FitError(f"The stored fit lacks the numbers `{name}`.", remedy=REMEDY)
        return np.asarray(node.variables[variable].values)

    def check(self) -> None:
        """Raise FitError unless the group is of a format that is known, and as it was written."""
        attributes = self.tree.children[GROUP].attrs
        if attributes.get(VERSION) != FORMAT:
            raise FitError(
                f"The fit is stored in format {attributes.get(VERSION)}; this laird reads format {FORMAT}.",
                remedy="Load it with the version that wrote it (attribute `laird_version`).",
            )
        if digest(self.text, self.array) != attributes.get(DIGEST):
            raise FitError(
                "The stored fit was altered after it was written: its numbers have another digest.",
                remedy="Load the file as it was written, or fit again.",
            )


def _groups(tree: xr.DataTree) -> str:
    return f"They have the groups {', '.join(tree.children)}." if tree.children else "They have no groups."


def _built(state: dict[str, Any]) -> Fit:
    """The fit that the stored state describes, checked."""
    spec, schema, design = (state.pop(name) for name in ("spec", "schema", "design"))
    evaluated = state.pop("log_densities")
    found = Fit(
        problem=problem(spec, replace(schema, spec=spec), design),
        origin=Origin(spec.hash, design, **state.pop("origin")),
        **state,
    )
    again = (getattr(found, name) for name in EVALUATED)
    check_same(log_densities(found.problem, *again), evaluated)
    return found
