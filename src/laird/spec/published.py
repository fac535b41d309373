"""Published priors of heterogeneity by name: ``turner(...)``, ``rhodes(...)`` and ``pc(U, a)``.

- ``turner(outcome, comparison)``: log odds ratios; τ² is log-normal (Turner, Jackson, Wei,
  Thompson & Higgins 2015, Statistics in Medicine 34, 984-998, table IV and p. 993), so τ is
  log-normal with half the location and half the scale.
- ``rhodes(outcome, comparison, area)``: standardised mean differences; log τ² has a
  Student t with 5 degrees of freedom (Rhodes, Turner & Higgins 2015, Journal of Clinical
  Epidemiology 68, 52-60, tables 3, A.3.1 and A.3.2).  Areas: other, respiratory, cancer.
- ``pc(U, a)``: P(sd > U) = a, exponential (Simpson, Rue, Riebler, Martins & Sørbye 2017,
  Statistical Science 32, 1-28).

Without arguments ``turner`` and ``rhodes`` are the marginal priors for any outcome.  The
numbers are those that the R package bayesmeta lists; rnmamod has the same but for one (resource
use, cancer, drugs with placebo: -0.01, where the pattern of the table has 0.01).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from types import MappingProxyType
from typing import NamedTuple

from laird.errors import SpecError, nearest

type Numbers = tuple[float, ...]

COMPARISONS = (
    "pharmacological vs placebo",
    "pharmacological vs pharmacological",
    "non-pharmacological vs placebo",
    "non-pharmacological vs pharmacological",
    "non-pharmacological vs non-pharmacological",
)
SIDES = ("non-pharmacological", "pharmacological", "placebo", "control")
PUBLISHED = ("turner", "rhodes", "pc")
AREAS = ("other", "respiratory", "cancer")

TURNER_ANY = (-2.56, 1.74)
TURNER: Mapping[str, tuple[Numbers, Numbers]] = MappingProxyType(
    {  # minus the location, and the scale, of log τ² by comparison
        "all-cause mortality": ((3.95, 4.18, 4.17, 2.92, 3.50), (1.34, 1.41, 1.55, 1.02, 1.26)),
        "obstetric outcomes": ((3.52, 3.75, 3.74, 2.49, 3.08), (1.74, 1.79, 1.91, 1.50, 1.68)),
        "cause-specific mortality or morbidity": (
            (3.71, 3.95, 3.93, 2.68, 3.27),
            (1.74, 1.79, 1.91, 1.51, 1.68),
        ),
        "resource use or hospital stay": ((2.34, 2.58, 2.56, 1.31, 1.90), (1.74, 1.79, 1.91, 1.50, 1.68)),
        "surgical or device success": ((2.14, 2.37, 2.36, 1.11, 1.69), (1.74, 1.79, 1.91, 1.50, 1.68)),
        "withdrawals or drop-outs": ((2.99, 3.23, 3.21, 1.96, 2.55), (1.74, 1.79, 1.91, 1.51, 1.68)),
        "internal or structure-related": ((2.71, 2.94, 2.93, 1.67, 2.26), (1.74, 1.79, 1.92, 1.51, 1.68)),
        "general physical health": ((2.29, 2.53, 2.51, 1.26, 1.85), (1.53, 1.58, 1.72, 1.25, 1.46)),
        "adverse events": ((1.87, 2.10, 2.10, 0.84, 1.43), (1.52, 1.58, 1.71, 1.24, 1.45)),
        "infection or new disease": ((2.49, 2.73, 2.71, 1.46, 2.05), (1.52, 1.58, 1.71, 1.24, 1.45)),
        "signs or symptoms": ((2.06, 2.29, 2.28, 1.03, 1.61), (1.51, 1.58, 1.71, 1.24, 1.45)),
        "pain": ((1.83, 2.06, 2.05, 0.80, 1.38), (1.52, 1.58, 1.71, 1.25, 1.45)),
        "quality of life or functioning": ((2.54, 2.78, 2.77, 1.51, 2.10), (1.54, 1.60, 1.73, 1.27, 1.47)),
        "mental health": ((2.12, 2.35, 2.34, 1.09, 1.67), (1.53, 1.60, 1.72, 1.27, 1.47)),
        "biological markers": ((1.77, 2.00, 1.99, 0.74, 1.33), (1.52, 1.58, 1.71, 1.24, 1.45)),
        "subjective outcomes": ((2.70, 2.93, 2.92, 1.67, 2.26), (1.52, 1.58, 1.71, 1.25, 1.45)),
    }
)

RHODES_ANY = (-3.44, 2.59)
RHODES: Mapping[str, tuple[tuple[Numbers, Numbers], ...]] = MappingProxyType(
    {  # by area: minus the location, and the scale, of log τ², each for the comparisons of drugs with
        # placebo, of drugs, and of anything else.  3.85 (2.85 by the table's pattern) and 0.13 (-0.13)
        # stand in all listings: R's bayesmeta and rnmamod, and in CINeMA the first.
        "obstetric outcome": (
            ((4.13, 4.40, 3.99), (2.34, 2.31, 2.11)),
            ((6.03, 6.31, 5.89), (2.36, 2.31, 2.21)),
            ((1.57, 1.85, 1.43), (2.45, 2.41, 2.24)),
        ),
        "resource use or hospital stay": (
            ((2.55, 2.83, 2.41), (2.73, 2.70, 2.57)),
            ((4.46, 4.73, 4.32), (2.74, 2.70, 2.57)),
            ((-0.01, 0.27, -0.15), (2.83, 2.79, 2.68)),
        ),
        "internal or external structure-related": (
            ((2.43, 2.70, 2.29), (2.50, 2.46, 2.32)),
            ((4.33, 4.61, 4.19), (2.51, 2.46, 2.33)),
            ((0.13, 0.14, -0.27), (2.61, 2.56, 2.45)),
        ),
        "general physical health or adverse event or pain or quality of life": (
            ((3.16, 3.44, 3.02), (2.50, 2.44, 2.27)),
            ((5.07, 5.34, 4.93), (2.51, 2.45, 2.28)),
            ((0.60, 0.88, 0.46), (2.61, 2.55, 2.40)),
        ),
        "signs or symptoms or infection or new disease": (
            ((3.00, 3.27, 2.86), (2.50, 2.47, 2.33)),
            ((4.90, 5.18, 4.76), (2.50, 2.47, 2.33)),
            ((0.44, 0.71, 0.30), (2.60, 2.57, 2.46)),
        ),
        "mental health outcome": (
            ((2.99, 3.27, 3.85), (2.16, 2.14, 1.93)),
            ((4.90, 5.17, 4.76), (2.17, 2.14, 1.94)),
            ((0.43, 0.71, 0.29), (2.28, 2.25, 2.08)),
        ),
        "biological marker": (
            ((3.41, 3.68, 3.27), (2.83, 2.78, 2.66)),
            ((5.31, 5.59, 5.17), (2.83, 2.78, 2.66)),
            ((0.85, 1.13, 0.71), (2.93, 2.87, 2.78)),
        ),
        "subjectively measured outcomes": (
            ((2.76, 3.03, 2.62), (2.58, 2.59, 2.41)),
            ((4.66, 4.94, 4.52), (2.59, 2.59, 2.41)),
            ((0.20, 0.48, 0.06), (2.68, 2.68, 2.53)),
        ),
    }
)


class Published(NamedTuple):
    """A prior of an sd by family and values, and its full name."""

    family: str
    values: Numbers
    name: str


def published(written: str) -> Published | None:
    """Return the prior of an sd that a name stands for; None for anything else.

    Raises
    ------
    SpecError
        Wrong arguments; the message names the nearest.

    Examples
    --------
    >>> published("turner(pain, pharma vs placebo)")
    Published(family='lognormal', values=(-0.915, 0.76), name='turner(pain, pharmacological vs placebo)')
    >>> published("pc(1, 0.05)").values
    (2.995732273553991,)
    >>> published("half_normal(1)") is None
    True
    """
    head, _, rest = written.strip().partition("(")
    readers = dict(zip(PUBLISHED, (_turner, _rhodes, _pc), strict=True))
    if head.strip() not in readers or (rest and not rest.endswith(")")):
        return None
    return readers[head.strip()](written, [part.strip() for part in rest[:-1].split(",")])


def _turner(written: str, given: Sequence[str]) -> Published:
    if given == [""]:
        return Published("lognormal", _halved(TURNER_ANY), "turner")
    outcome, comparison = _split(written, given, 2, "turner(outcome, comparison)")
    outcome, pair = _chosen(written, "outcome", outcome, TURNER), _comparison(written, comparison)
    location, scale = (column[COMPARISONS.index(pair)] for column in TURNER[outcome])
    return Published("lognormal", _halved((-location, scale)), f"turner({outcome}, {pair})")


def _rhodes(written: str, given: Sequence[str]) -> Published:
    if given == [""]:
        return Published("log_student_t", (5.0, *_halved(RHODES_ANY)), "rhodes")
    given = given if len(given) == 3 else [*given, AREAS[0]]
    outcome, comparison, area = _split(written, given, 3, "rhodes(outcome, comparison, area)")
    outcome, pair = _chosen(written, "outcome", outcome, RHODES), _comparison(written, comparison)
    area = _chosen(written, "area", area, AREAS)
    column = min(COMPARISONS.index(pair), 2)
    location, scale = (values[column] for values in RHODES[outcome][AREAS.index(area)])
    name = f"rhodes({outcome}, {pair}, {area})"
    return Published("log_student_t", (5.0, *_halved((-location, scale))), name)


def _pc(written: str, given: Sequence[str]) -> Published:
    try:
        limit, share = (float(value) for value in _split(written, given, 2, "pc(U, a)"))
    except ValueError:
        limit = share = 0.0
    if not (limit > 0 and 0 < share < 1):
        raise SpecError(
            "`pc(U, a)` needs a limit U > 0 and a probability a between 0 and 1.",
            where=f"    {written}",
            remedy="Write pc(1, 0.05) for P(sd > 1) = 0.05.",
        )
    return Published("exponential", (-log(share) / limit,), f"pc({limit:g}, {share:g})")


def _halved(of_variance: tuple[float, float]) -> Numbers:
    """Location and scale of log τ from those of log τ²."""
    return tuple(round(value / 2, 4) for value in of_variance)


def _split(written: str, given: Sequence[str], count: int, form: str) -> Sequence[str]:
    if len(given) == count:
        return given
    raise SpecError(
        f"`{form.partition('(')[0]}` takes {count} values.", where=f"    {written}", remedy=f"Write {form}."
    )


def _comparison(written: str, text: str) -> str:
    """The comparison of two sides in either order, each by the beginning of its name."""
    sides = [_unique(side.strip(" ."), SIDES) for side in text.casefold().replace("vs.", "vs").split("vs")]
    named = ["placebo" if side == "control" else side for side in sides]
    for pair in (" vs ".join(map(str, order)) for order in (named, named[::-1])):
        if pair in COMPARISONS:
            return pair
    return _chosen(written, "comparison", text, COMPARISONS)


def _chosen(written: str, what: str, text: str, names: Mapping[str, object] | Sequence[str]) -> str:
    found = _unique(text, names)
    if found is None:
        raise SpecError(
            f"There is no {what} `{text}` among the published priors.",
            where=f"    {written}",
            allowed="Allowed: " + "; ".join(names) + ".",
            remedy=nearest(text, names) if len(names) > 12 else "",
        )
    return found


def _unique(text: str, names: Mapping[str, object] | Sequence[str]) -> str | None:
    """The name that is, or alone begins with, `text`."""
    folded = text.casefold().strip()
    exact = [name for name in names if name == folded]
    begun = exact or [name for name in names if folded and name.startswith(folded)]
    return begun[0] if len(begun) == 1 else None
