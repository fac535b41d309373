"""Profile-likelihood intervals of anything that the covariance parameters decide.

The interval of g(θ) is the range of g where the log-likelihood is within χ²₁/2 of its maximum (the
location coefficients maximised over or, for REML, integrated out): the same as maximising
over everything else at each value of g, but g may be any function: τ at a moderator, I²,
a coefficient.  At the boundary it stays an interval of possible values, and starts at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.general import Coordinates
from laird.fitting.result import Fit
from laird.fitting.starts import coordinates_of
from laird.gaussian.coordinates import lower_factor
from laird.gaussian.hierarchy import Hierarchy, density
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Function = Callable[[Theta], float]

STEP = 1e-5
"""Of central differences, in coordinates of order one."""

LIFT = 0.3
"""Where a coordinate that vanished starts in the search for a limit."""

OPTIONS: Any = {"ftol": 1e-10, "maxiter": 60}
HUGE = 1e100

BOX, SMALLEST_BOX, BOXES = 1.0, 1e-4, 6
"""The search for a limit goes no further at once in any coordinate, and gives up after so many steps."""

FLAT = 1e-9
"""A step along which a function changes by a smaller share is one along a flat likelihood."""

CLOSE = 1e-3
"""A limit counts when the log-likelihood there is within this of what it should be."""


class Profile(NamedTuple):
    """The likelihood of a fit around its maximum.

    Attributes
    ----------
    data, coordinates, restricted
        Likelihood, free coordinates, REML or ML.
    x
        The maximum, vanished coordinates at zero.
    value
        Log-likelihood there.
    """

    data: Hierarchy
    coordinates: Coordinates
    restricted: bool
    x: Floats
    value: float

    def loglik(self, x: Floats) -> tuple[float, Floats]:
        """Value and gradient in x."""
        value, g = density(self.data, self.coordinates.theta(x), restricted=self.restricted)
        return value, self.coordinates.gradient(x, g)


def profile_of(fit: Fit) -> Profile:
    """The likelihood of a fit by ``ml`` or ``reml`` of a model with ``meta_V`` or regressions of sds.

    Raises
    ------
    FitError
        A fit by another method, or of another model.
    """
    data = fit.problem.data
    if not isinstance(data, Hierarchy) or fit.theta is None or fit.method not in ("ml", "reml"):
        raise FitError(
            f'Profile-likelihood intervals are not available for this fit (by "{fit.method}").',
            allowed="Available: ml and reml fits of models with `meta_V` or regressions of sds.",
        )
    coordinates = coordinates_of(fit.problem, data.blocks, data.scaling)
    M = coordinates.M
    half = np.linalg.solve(M, fit.theta.L)
    L = M @ lower_factor(half @ half.T, coordinates.blocks)
    found = Profile(data, coordinates, fit.method == "reml", coordinates.x(fit.theta._replace(L=L)), 0.0)
    return found._replace(value=found.loglik(found.x)[0])


def profile_limits(profile: Profile, function: Function, prob: float) -> tuple[float, float]:
    """The profile-likelihood interval of a function of θ; NaN for a limit that was not found.

    Parameters
    ----------
    profile
        The likelihood.
    function
        Smooth in θ; that of an sd is best given as a function of its square.
    prob
        Probability of the interval.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    >>> limits = profile_limits(profile_of(fit), lambda theta: float(np.exp(2 * theta.alpha[0])), 0.95)
    >>> [round(limit, 4) for limit in limits]
    [0.1051, 0.8339]
    """
    from scipy.special import chdtri

    level = profile.value - float(chdtri(1, 1 - prob)) / 2
    return _limit(profile, function, level, -1), _limit(profile, function, level, 1)


def _limit(profile: Profile, function: Function, level: float, sign: int) -> float:
    def value(x: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(np.nan_to_num(function(profile.coordinates.theta(x)), posinf=HUGE))

    search = _Search(profile, value, level, sign)
    reached: list[float] = []
    for start in _starts(profile, value, level, sign):
        reached.append(search.from_start(start))
        if np.isinf(reached[-1]):
            break
    return sign * max((end for end in reached if not np.isnan(end)), default=np.nan)


class _Search(NamedTuple):
    """The largest ``sign * value(x)`` where the log-likelihood is not below `level`.

    The likelihood may be flat far away (a log sd of -∞ is an sd of zero) and only a little below
    the level there, so the search walks in boxes and never leaves the region.
    """

    profile: Profile
    value: Callable[[Floats], float]
    level: float
    sign: int

    def from_start(self, x: Floats) -> float:
        """The largest value reached from a start; ∞ when there is no end, NaN when it is stuck."""
        radius, steps = BOX, 0
        while steps < BOXES:
            found = self._within(x, radius)
            if not self.profile.loglik(found)[0] > self.level - CLOSE:
                radius /= 2
                if radius < SMALLEST_BOX:
                    return float("nan")
                continue
            moved, gained = float(np.max(np.abs(found - x))), self.value(found) - self.value(x)
            x, steps = found, steps + 1
            if moved < 0.99 * radius or abs(gained) <= FLAT * abs(self.value(x)):
                return self.sign * self.value(x)
            radius *= 2
        return float("inf")

    def _within(self, x: Floats, radius: float) -> Floats:
        """Where sequential quadratic programming ends in a box around x."""
        from scipy.optimize import minimize

        size = float(np.linalg.norm(_gradient(self.value, x))) or 1.0
        how: Any = {
            "jac": lambda z: -self.sign * _gradient(self.value, z) / size,
            "bounds": [(z - radius, z + radius) for z in x],
            "constraints": {
                "type": "ineq",
                "fun": lambda z: self.profile.loglik(z)[0] - self.level,
                "jac": lambda z: self.profile.loglik(z)[1],
            },
        }
        objective: Any = lambda z: -self.sign * self.value(z) / size  # noqa: E731
        found: Any = minimize(objective, x, method="SLSQP", options=OPTIONS, **how)
        return np.asarray(found.x, dtype=float)


def _starts(profile: Profile, value: Callable[[Floats], float], level: float, sign: int) -> Iterator[Floats]:
    """The maximum, vanished coordinates lifted, and steps from it along the function's slope."""
    x = _lifted(profile.x)
    while profile.loglik(x)[0] < level:
        x = (x + profile.x) / 2
    yield x
    slope = sign * _gradient(value, x)
    length = np.linalg.norm(slope)
    if length == 0 or not np.isfinite(length):
        return
    for step in (0.5, 2.0):
        trial = x + step * slope / length
        while profile.loglik(trial)[0] < level and np.linalg.norm(trial - x) > 1e-3:
            trial = (trial + x) / 2
        yield trial


def _lifted(x: Floats) -> Floats:
    return np.where(x == 0, LIFT, x)


def _gradient(value: Callable[[Floats], float], x: Floats) -> Floats:
    steps = STEP * np.eye(len(x))
    return np.array([(value(x + step) - value(x - step)) / (2 * STEP) for step in steps])
