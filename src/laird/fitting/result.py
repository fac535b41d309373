"""`Fit`: one result type for every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import RandomDesign, build_new
from laird.errors import FitError, nearest
from laird.fitting import checks as checking
from laird.fitting import tables
from laird.fitting.checks import Check
from laird.fitting.display import Card, card
from laird.fitting.draws import Draws
from laird.fitting.groups import line_sds, resolved_shares
from laird.fitting.options import one_of, probability
from laird.fitting.origin import Origin
from laird.fitting.point import Point
from laird.fitting.problem import Problem, grouped, joined_columns, level2_weights_of
from laird.fitting.regressions import Regression, correlations, log_sigma_series, row_sigma
from laird.fitting.storage import fit_tree, write
from laird.fitting.uncertainty import ScaleUncertainty
from laird.gaussian.solution import Effects
from laird.gaussian.theta import Theta
from laird.posterior.table import PriorTable
from laird.spec import Spec

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]
type Method = Literal["ols", "ml", "reml", "eb", "nuts"]
type Groups = Literal["error", "population", "existing", "new"]

GROUPS = ("error", "population", "existing", "new")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit:
    """The result of fitting a model, the same for all methods.

    Estimates are: least squares (``ols``), maximum (restricted) likelihood with EBLUPs
    (``ml``, ``reml``), the mode of the marginal posterior with conditional means
    (``eb``), posterior means (``nuts``).  Standard errors of fixed effects hold the
    variance parameters at their estimate, except for ``nuts`` where they are posterior
    sds; intervals of ``eb`` and ``nuts`` come from draws.

    Attributes
    ----------
    method
        ``"ols"``, ``"ml"``, ``"reml"``, ``"eb"`` or ``"nuts"``.
    problem
        The model and its data.
    point
        Point estimates as arrays.
    loglik
        Log-likelihood at the estimate: of the data for ``ols`` and ``ml``, restricted
        for ``reml``, ``eb`` and ``nuts`` (without ½ log|X'X|, as lme4 and nlme); NaN
        where errors or effects are not normal.
    checks
        Rows of :meth:`check`.
    origin
        Versions, hashes, seed, time.
    theta
        Covariance parameters at the estimate (``ml``, ``reml``, ``eb``).
    uncertainty
        Standard errors of the covariance parameters (``ml``, ``reml``, ``ols``).
    regressions
        Coefficients of log sds that have predictors.
    draws, priors
        Draws and prior table (``eb``, ``nuts``).
    """

    method: Method
    problem: Problem
    point: Point
    loglik: float
    checks: tuple[Check, ...]
    origin: Origin
    theta: Theta | None = None
    uncertainty: ScaleUncertainty | None = None
    regressions: tuple[Regression, ...] = ()
    draws: Draws | None = None
    priors: PriorTable | None = None

    @property
    def spec(self) -> Spec:
        """The model's text."""
        return self.problem.spec

    @property
    def fixef(self) -> pd.Series:
        """Fixed effects, index = term names."""
        return self._by_term(self.point.beta, "estimate")

    @property
    def se(self) -> pd.Series:
        """Standard errors of the fixed effects."""
        return self._by_term(np.sqrt(np.diag(self.point.beta_cov)), "se")

    def _by_term(self, values: Floats, name: str) -> pd.Series:
        return pd.Series(np.array(values), index=list(self.problem.design.names), name=name)

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the fixed effects."""
        names = list(self.problem.design.names)
        return pd.DataFrame(np.array(self.point.beta_cov), index=names, columns=names)

    @property
    def varcorr(self) -> pd.DataFrame:
        """Sds and correlations: ``group, term1, term2, sdcor, vcov``; last row the residual.

        Under ``sd(g) ~ x`` the sds of g are those of a group with average x.
        """
        residual = self._has_residual
        return tables.varcorr(self.point, self._random(), self.regressions, residual=residual)

    @property
    def _has_residual(self) -> bool:
        """Whether the residual sd is one number (``ols`` has no other)."""
        return self.method == "ols" or self.problem.has_residual

    @property
    def sigma(self) -> float | Floats:
        """Residual standard deviation: a number, or one for each row when it has predictors, (n,).

        Next to known sampling variances it is the heterogeneity that these leave.
        """
        return self.point.sigma if self._has_residual else row_sigma(self.problem.design, self.regressions)

    @property
    def scale(self) -> pd.Series:
        """Coefficients of log sigma (natural log of a standard deviation)."""
        with np.errstate(divide="ignore"):
            constant = {"Intercept": float(np.log(self.point.sigma))} if self._has_residual else {}
        return log_sigma_series(self.regressions, "estimate", constant)

    @property
    def scale_se(self) -> pd.Series:
        """Standard errors of :attr:`scale`."""
        if self.draws is not None:
            se = float(np.log(self.draws.sigma).std(ddof=1)) if self._has_residual else np.nan
        else:
            se = self.uncertainty.log_sigma if self.uncertainty else np.nan
        return log_sigma_series(self.regressions, "se", {"Intercept": se} if self._has_residual else {})

    def scale_of(self, group: str) -> pd.Series:
        """Coefficients of a log group sd; without ``sd(g) ~ x`` the log sd of every coefficient."""
        random, found = self._group(group), self._regression("sd", group)
        if found is not None:
            return pd.Series(np.array(found.estimate), index=list(found.names), name="estimate")
        with np.errstate(divide="ignore"):
            logs = np.log(self.point.sd[self._place(group)])
        return pd.Series(dict(zip(random.names, logs, strict=True)), name="estimate")

    @property
    def rho(self) -> float | pd.Series | pd.DataFrame:
        """Residual correlations of the outcomes.

        One number for two outcomes, by unit when it has predictors; a series by pair (or a
        frame, unit by pair) for more; an empty series for one outcome.
        """
        return correlations(self.problem, self.regressions)

    @property
    def phi(self) -> float:
        """Multiplier of the known variances of ``meta_V(v, scale="proportional")``, else 1."""
        found = self._regression("phi")
        return 1.0 if found is None else float(np.exp(found.estimate[0]))

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return len(self.problem.design.y)

    @property
    def ngroups(self) -> dict[str, int]:
        """Number of groups by grouping factor."""
        return {r.group: len(r.levels) for r in self.problem.design.random}

    @property
    def df_model(self) -> int:
        """Number of estimated parameters: fixed effects, sds and correlations, sigma."""
        names, residual = self.problem.design.names, self._has_residual
        return len(tables.parameters(names, self._random(), self.regressions, residual=residual))

    @property
    def aic(self) -> float:
        """-2 loglik + 2 df."""
        return -2 * self.loglik + 2 * self.df_model

    @property
    def bic(self) -> float:
        """-2 loglik + log(nobs) df."""
        return -2 * self.loglik + float(np.log(self.nobs)) * self.df_model

    def ranef(self, group: str) -> pd.DataFrame:
        """Deviations of the groups' coefficients, index = group labels, columns = terms."""
        return self._effects(group, self._of(group).u)

    def ranef_sd(self, group: str) -> pd.DataFrame:
        """Sds of the deviations given the data (Henderson 1975); they include that of β."""
        return self._effects(group, np.sqrt(np.diagonal(self._of(group).cov, axis1=1, axis2=2)))

    def coef(self, group: str) -> pd.DataFrame:
        """Fixed effects plus the group's deviation, for every term; as lme4's ``coef``."""
        ranef = self.ranef(group)
        terms = list(dict.fromkeys([*self.fixef.index, *ranef.columns]))
        fixed = self.fixef.reindex(terms, fill_value=0.0)
        return ranef.reindex(columns=terms, fill_value=0.0) + fixed

    def group_coef(self, group: str) -> pd.DataFrame:
        """Coefficients of each group's own line: level-2 predictors and deviation included.

        For ``mathach ~ ses * Sector + (1 + ses | school)`` the intercept of a school is
        γ00 + γ01·Sector + u0; for ``ols`` it is the school's own least-squares line.
        """
        return self._effects(group, self.fixed_lines(group).to_numpy() + self._of(group).u)

    def fixed_lines(self, group: str) -> pd.DataFrame:
        """The part of :meth:`group_coef` that the fixed effects give: where groups shrink to."""
        return self._effects(group, self._level2_weights(group) @ self.point.beta)

    def group_coef_sd(self, group: str) -> pd.DataFrame:
        """Sds of :meth:`group_coef` given the data, from the joint covariance of β and u."""
        found = line_sds(self._level2_weights(group), self.point.beta_cov, self._of(group))
        return self._effects(group, found)

    def _level2_weights(self, group: str) -> Floats:
        random, design = self._group(group), self.problem.design
        return level2_weights_of(design, random, grouped(design, random))

    def _regression(self, parameter: str, group: str = "") -> Regression | None:
        return next((r for r in self.regressions if (r.parameter, r.group) == (parameter, group)), None)

    def _of(self, group: str) -> Effects:
        return self.point.effects[self.problem.design.random.index(self._group(group))]

    def covariance(self, group: str) -> pd.DataFrame:
        """Covariance matrix G of the coefficients of a grouping factor."""
        random, place = self._group(group), self._place(group)
        G = np.array(self.point.G[place, place])
        return pd.DataFrame(G, index=list(random.names), columns=list(random.names))

    def shrinkage_factors(self, group: str) -> pd.DataFrame:
        """Share of a coefficient's variance between groups that the group's own data resolve.

        1 - Var(u_jk | y, β) / G_kk = (W_jG)_kk / G_kk in [0, 1], with the weights
        W_j = G(G + V_j)⁻¹ of the groups' own estimates; g/(g + σ²/n_j) for a random
        intercept, its reliability (Raudenbush & Bryk 2002, p. 46).  1 for ``ols``, which
        does not shrink; 0 for a variance of zero.
        """
        own = self._of(group)
        if self.method == "ols":
            return self._effects(group, np.ones_like(own.u))
        return self._effects(group, resolved_shares(own, self.covariance(group).to_numpy()))

    def _place(self, group: str) -> slice:
        """Where the coefficients of a grouping factor stand among those of all."""
        designs = self.problem.design.random
        return joined_columns(designs)[designs.index(self._group(group))]

    def fitted(self, *, level: Literal["group", "population"] = "group") -> Floats:
        """Fitted means, shape (n,): with the groups' deviations (``ols`` has none), or of the fixed part."""
        design = self.problem.design
        mean = design.X @ self.point.beta
        for r in self._random() if level == "group" else ():
            mean = mean + np.einsum("iq,iq->i", r.Z, self._of(r.group).u[r.ids])
        return mean

    def residuals(
        self, *, level: Literal["group", "population"] = "group", standardized: bool = False
    ) -> Floats:
        """Outcome minus :meth:`fitted`, shape (n,); `standardized`: over sigma and the known sd together."""
        residual = self.problem.design.y - self.fitted(level=level)
        if not standardized:
            return residual
        known = self.problem.design.known
        variance = np.zeros(len(residual)) if known is None else self.phi * known.variances
        return residual / np.sqrt(self.sigma**2 + variance)

    @property
    def status(self) -> Literal["ok", "boundary", "not_converged"]:
        """The verdict on the fit; :meth:`check` says why."""
        return checking.overall(self.checks)

    def check(self) -> pd.DataFrame:
        """What was checked: ``check, status, value, message, remedy``."""
        return checking.to_frame(self.checks)

    def summary(self, prob: float = 0.95) -> pd.DataFrame:
        """All parameters with intervals of probability `prob`.

        Columns ``component, group, term, estimate, se, lower, upper``, and ``ess_bulk,
        ess_tail, rhat`` for draws.  Fixed effects of ``ols``, ``ml``, ``reml``: t
        intervals with nlme's inner-outer degrees of freedom; sds and correlations:
        symmetric on the log and atanh scale.  ``eb``, ``nuts``: equal-tailed, unless
        a mode at the boundary lies beyond, which then is an end of the interval.
        """
        probability(prob)
        if self.draws is not None:
            return tables.draws_summary(self.problem, self.point, self.draws, self.regressions, prob)
        return tables.likelihood_summary(
            self.problem, self._random(), self.point, self.uncertainty, self.regressions, prob
        )

    def predict(
        self,
        new: Any = None,
        *,
        groups: Groups = "error",
        kind: Literal["mean", "response"] = "mean",
        prob: float = 0.95,
    ) -> pd.DataFrame:
        """Predict the mean or a response, with intervals of probability `prob`.

        Parameters
        ----------
        new
            A frame with the predictors; None predicts the fitted rows.  Categories, group
            means (``cvar``, ``dvar``) and other stored values are those of the fit.
        groups
            ``"error"`` and ``"existing"``: with the effects of the fitted groups, any
            other group is an error.  ``"new"``: groups that were not fitted are new draws
            from the population, which widens the interval.  ``"population"``: without
            group effects.
        kind
            ``"mean"``: the expected outcome; ``"response"``: a single outcome.
        prob
            Probability of the interval: normal for ``ols``, ``ml``, ``reml``,
            equal-tailed for draws.

        Returns
        -------
        ``estimate, se, lower, upper``, one row per row of `new`; with several outcomes one per
        row and outcome, which are the columns ``row, outcome`` in front.

        Examples
        --------
        >>> import laird as ld
        >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
        >>> new = {"Batch": ["A", "a new one"]}
        >>> fit.predict(new, groups="new").round(1)
           estimate    se   lower   upper
        0    1509.9  20.0  1470.6  1549.2
        1    1527.5  46.3  1436.8  1618.2
        """
        from laird.fitting.predict import predict

        one_of("groups", groups, GROUPS)
        one_of("kind", kind, ("mean", "response"))
        probability(prob)
        design = self.problem.design
        if new is not None:
            design = build_new(self.problem.schema, new, groups=groups)
        population = groups == "population" or self.method == "ols"
        rng = np.random.default_rng([self.origin.seed or 0, len(design.X)])
        parts = (self.problem, self.point, self.theta, self.regressions, self.draws)
        return predict(*parts, design, population=population, kind=kind, prob=prob, rng=rng)

    def contextual(
        self,
        variable: str,
        *,
        at: Mapping[str, Any] | None = None,
        prob: float = 0.95,
        latent: bool | Literal["sampled"] = False,
        **sampling: Any,
    ) -> pd.DataFrame:
        """The effects of a variable within groups (β_W), between them (β_B), and contextual (β_B - β_W).

        One unit more in the same group; in every row of the group; the same value in a group
        whose mean is one unit higher; `latent`: of the groups' own means, not attenuated by the
        error of observed ones.  All of it is explained at `laird.contextual`.

        Examples
        --------
        >>> import laird as ld
        >>> model = ld.model("mathach ~ ses + cvar(ses, school) + (1 | school)", data=ld.load_data("hs"))
        >>> model.fit().contextual("ses").set_index("effect")["estimate"].round(2).to_dict()
        {'within': 2.22, 'between': 5.71, 'contextual': 3.48}
        """
        from laird.fitting.contextual import contextual_table

        probability(prob)
        return contextual_table(self, variable, at, prob, latent, sampling)

    def to_datatree(self) -> xr.DataTree:
        """Draws of ``eb`` and ``nuts`` as ArviZ data, named by the data's own labels."""
        if self.draws is None:
            raise FitError(
                f'`to_datatree()` needs draws; the method "{self.method}" has none.',
                remedy='Fit with "eb" or "nuts".',
            )
        return fit_tree(self._parts())

    def save(self, path: str | Path) -> Path:
        """Write the fit to a netCDF file, from which `laird.load_fit` builds it again; return its path.

        The file is what :meth:`to_datatree` gives; of a fit without draws, its data and estimates.
        """
        return write(fit_tree(self._parts()), path)

    def _parts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _random(self) -> tuple[RandomDesign, ...]:
        return () if self.method == "ols" else self.problem.design.random

    def _group(self, group: str) -> RandomDesign:
        for random in self.problem.design.random:
            if random.group == group:
                return random
        known = [random.group for random in self.problem.design.random]
        raise FitError(
            f"The model has no random coefficients by `{group}`.",
            allowed=nearest(group, known),
            remedy="" if known else f"Add a random term such as `(1 | {group})`.",
        )

    def _effects(self, group: str, values: Floats) -> pd.DataFrame:
        random = self._group(group)
        return tables.effects_frame(values, random.levels, random.names, group)

    def __repr__(self) -> str:
        return self.text()

    def text(self, prob: float = 0.95) -> str:
        """What ``print(fit)`` shows, with intervals of probability `prob`."""
        return self._card(prob).text()

    def _repr_html_(self) -> str:
        return self._card(0.95).html()

    def _card(self, prob: float) -> Card:
        groups = "".join(f", {J} groups of {group}" for group, J in self.ngroups.items())
        sizes = f"{self.nobs} rows{groups}"
        if not self.spec.families:
            sizes += f"; log-likelihood {self.loglik:.2f}, AIC {self.aic:.1f}, BIC {self.bic:.1f}"
        summary = self.summary(prob)
        notes = tables.notes(self.problem, self._random(), self.regressions, drawn=self.draws is not None)
        return card(str(self.spec), self.method, sizes, summary, prob, self.status, self.checks, notes)
