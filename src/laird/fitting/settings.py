"""How to sample: the options that every sampler has, checked before anything is computed."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Literal

from laird.errors import FitError
from laird.fitting.options import seed, share, whole_number

type Sampler = Literal["nutpie", "pymc"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to sample."""

    draws: int
    tune: int
    chains: int
    cores: int
    random_seed: int
    target_accept: float
    progress: bool
    sampler: Sampler

    def record(self) -> dict[str, object]:
        """What the result depends on, and the sampler, for the record of a fit."""
        names = ("draws", "tune", "chains", "target_accept", "sampler")
        return {name: value for name, value in asdict(self).items() if name in names}


def settings_of(
    *,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float = 0.8,
    progress: bool | Literal["auto"] = "auto",
    sampler: Sampler | None = None,
) -> Settings:
    """Check options and fill in what they leave open; see `laird.fitting.nuts.fit`.

    Raises
    ------
    FitError
        A value that is not allowed, or a sampler that is not installed.

    Examples
    --------
    >>> settings_of(chains=2, cores=1, random_seed=1).tune
    300
    """
    return Settings(
        whole_number("draws", draws, 4),
        whole_number("tune", tune, 1),
        whole_number("chains", chains, 1),
        whole_number("cores", min(chains, os.cpu_count() or 1) if cores is None else cores, 1),
        seed(random_seed),
        share("target_accept", target_accept),
        _shows_progress(progress),
        _sampler(sampler),
    )


def _shows_progress(wanted: bool | Literal["auto"]) -> bool:
    if wanted not in (True, False, "auto"):
        raise FitError(f"progress = {wanted!r} is not usable.", allowed='Allowed: True, False, "auto".')
    return _interactive() if wanted == "auto" else wanted


def _interactive() -> bool:
    """A terminal or a notebook looks on, and this is not a batch run."""
    import sys

    return "CI" not in os.environ and (sys.stderr.isatty() or "ipykernel" in sys.modules)


def _sampler(wanted: Sampler | None) -> Sampler:
    available = find_spec("nutpie") is not None
    if wanted not in (None, "nutpie", "pymc"):
        raise FitError(f"Unknown sampler {wanted!r}.", allowed='Allowed: "nutpie", "pymc".')
    if wanted == "nutpie" and not available:
        raise FitError("The sampler nutpie is not installed.", remedy='Install it, or use sampler="pymc".')
    return wanted or ("nutpie" if available else "pymc")
