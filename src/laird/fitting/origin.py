"""Where a fit comes from: versions, seed, hashes of spec and data, options, time."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.spec import Spec

PACKAGES = ("laird", "numpy", "pandas", "numba", "pymc", "pytensor", "nutpie", "arviz")


@dataclass(frozen=True, slots=True)
class Origin:
    """What is needed to obtain a fit again.

    Attributes
    ----------
    spec_hash
        SHA-256 of the model's text.
    design
        The model's arrays.
    seed
        The seed given, None for methods without randomness or an unknown seed.
    options
        Options of the method, as text.
    seconds
        Elapsed time of the fit.
    created
        When, in UTC.
    recorded
        Versions of the process that made a stored fit; empty: those of this process.
    """

    spec_hash: str
    design: Design = field(repr=False)
    seed: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    recorded: tuple[tuple[str, str], ...] = ()

    @property
    def data_hash(self) -> str:
        """SHA-256 of the model's arrays, see `data_hash`; computed on request, for it reads all of them."""
        return data_hash(self.design)

    def attributes(self) -> dict[str, object]:
        """Everything as plain values, for files."""
        return {
            "spec_hash": self.spec_hash,
            "data_hash": self.data_hash,
            "seed": -1 if self.seed is None else self.seed,
            "created_at": self.created,
            "seconds": self.seconds,
            **dict(self.options),
            **{f"{name}_version": number for name, number in self.versions.items()},
        }

    def record(self) -> dict[str, object]:
        """What a stored fit keeps besides spec and design."""
        return {
            "seed": self.seed,
            "options": self.options,
            "seconds": self.seconds,
            "created": self.created,
            "recorded": tuple(self.versions.items()),
        }

    @property
    def versions(self) -> dict[str, str]:
        """Versions of Python and of the packages that made the fit."""
        return dict(self.recorded) or versions()


def origin(
    spec: Spec,
    design: Design,
    seconds: float,
    *,
    seed: int | None = None,
    options: Mapping[str, object] | None = None,
) -> Origin:
    """Record where a fit comes from."""
    texts = tuple((name, str(value)) for name, value in (options or {}).items())
    return Origin(spec.hash, design, seed, texts, seconds)


def data_hash(design: Design) -> str:
    """SHA-256 of the arrays and labels that a model uses."""
    digest = hashlib.sha256()
    for array in _arrays(design):
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data)
    labels = (design.outcome, *design.names, *(label for r in design.random for label in r.levels))
    digest.update("\x00".join((*labels, *design.outcomes)).encode())
    return digest.hexdigest()


def _arrays(design: Design) -> Iterator[NDArray[Any]]:
    """Every array of a design."""
    yield from (design.y, design.X, design.which, design.units)
    for random in design.random:
        yield from (random.Z, random.ids)
    yield from (scale.W for scale in design.scales)
    yield from (rho.W for rho in design.rhos)
    if design.known is not None:
        yield design.known.variances
        for block in design.known.blocks:
            yield from (block.rows, block.V)
    if design.weights is not None:
        yield design.weights


def versions() -> dict[str, str]:
    """Versions of laird and of the packages that numbers depend on, without importing them."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
