"""`Model`: a spec bound to data; it can be shown, drawn as equations or as a graph, and fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from laird.data.bundled import load_data
from laird.data.frame import Table
from laird.data.known import check_aligned, named
from laird.data.schema import Schema, read
from laird.data.usage import random_terms
from laird.design import Design, bind, coding
from laird.errors import DataError, FitError, NotFittedError, SpecError, nearest
from laird.spec import Spec, parse_spec, respecified, text
from laird.spec.equations import Equations, equations
from laird.spec.families import families_text
from laird.spec.multilevel import MultilevelForm, to_multilevel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pymc as pm

    from laird.fitting.result import Fit
    from laird.posterior.table import PriorTable

METHODS = ("ols", "ml", "reml", "eb", "nuts")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "ols": (),
    "ml": ("se",),
    "reml": ("se",),
    "eb": ("draws", "random_seed", "keep"),
    "nuts": (
        "draws",
        "tune",
        "chains",
        "cores",
        "random_seed",
        "target_accept",
        "progress",
        "sampler",
        "keep",
    ),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A model and its data.

    Attributes
    ----------
    spec
        The text of the model, frozen.
    schema
        What was learned from the data: levels, groups, stored group means.
    design
        The arrays.
    table
        The columns of the data that the model uses, complete rows only.
    """

    spec: Spec
    schema: Schema
    design: Design
    table: Table

    def __getattr__(self, name: str) -> Any:
        """Say of what only a fit has that the model is to be fitted first."""
        from laird.fitting.result import Fit

        if name.startswith("_") or hasattr(type(self), name) or name not in Fit.__dict__:
            raise AttributeError(f"'Model' object has no attribute {name!r}")
        raise NotFittedError(
            f"The model is not fitted: it has no `{name}`.",
            remedy='Fit it first, `model.fit("reml")`, and pass the fit.',
        )

    def fit(self, method: Literal["ols", "ml", "reml", "eb", "nuts"] = "reml", **options: Any) -> Fit:
        """Fit the model.

        Parameters
        ----------
        method
            ``"ols"`` least squares; ``"ml"``, ``"reml"`` likelihood with EBLUPs;
            ``"eb"`` empirical Bayes; ``"nuts"`` full Bayes.
        **options
            ``ml``, ``reml``: `se` (``"conditional"`` standard errors of the fixed effects, at
            the estimated covariance parameters; ``"joint"``: from the Hessian of all
            parameters).  ``eb``: `draws` (2000), `random_seed`, `keep`.  ``nuts``: `draws` (1000),
            `tune` (300), `chains` (4), `cores`, `random_seed`, `target_accept` (0.8), `progress`
            ("auto"), `sampler` ("nutpie" or "pymc"), `keep`.  What is kept of the group effects:
            ``"draws"``, a ``"summary"`` (means, covariances, quantiles), or ``"auto"``: draws if few.

        Raises
        ------
        FitError
            Unknown method or option, or a model that cannot be fitted.

        Examples
        --------
        >>> import laird as ld
        >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
        >>> fit.fixef.round(1).to_dict(), round(fit.sigma, 2)
        ({'Intercept': 1527.5}, 49.51)
        """
        _check_request(method, options)
        _check_families(method, self.spec)
        from laird.fitting.problem import problem

        bound = problem(self.spec, self.schema, self.design, self.table)
        if method == "ols":
            from laird.fitting import ols

            return ols.fit(bound)
        if method == "eb":
            from laird.fitting import eb

            return eb.fit(bound, self.priors, **options)
        if method == "nuts" and self.spec.families:
            from laird.fitting import robust

            return robust.fit(bound, self.priors, **options)
        if method == "nuts":
            from laird.fitting import nuts

            return nuts.fit(bound, self.priors, **options)
        from laird.fitting import reml

        return reml.fit(bound, restricted=method == "reml", **options)

    def simulate(
        self,
        params: Mapping[str, Any] | None = None,
        groups: Any = None,
        random_seed: int | np.random.Generator | None = None,
        *,
        from_fit: Fit | None = None,
    ) -> pd.DataFrame:
        """Simulate data from the model: group effects, residuals and sampling errors are drawn anew.

        Parameters
        ----------
        params
            Values by name, as tables call them: ``{"Intercept": 12, "ses": 2, "sd(school,
            Intercept)": 4, "sd(school, ses)": 5, "cor(school)": 0.4, "sigma": 4.5}``, or for the sds
            and correlations of a factor its covariance matrix, ``"G(school)"``; of families also their
            shapes, ``{"nu(errors)": 5}``.
        groups
            None: the fitted rows, their groups with new effects; ``"fitted"``: with the effects
            that `from_fit` gives them; a number: so many new groups of the first grouping
            factor, each with the rows of a fitted one, drawn with replacement; a data frame:
            its rows and groups.
        random_seed
            Seed, or a NumPy generator.
        from_fit
            A fit whose estimates stand where `params` says nothing.

        Returns
        -------
        The columns of the model, the simulated outcome first.

        Raises
        ------
        FitError, DataError
            A value is missing or impossible, the rows cannot be used, or the outcome is a
            function that cannot be undone.

        Examples
        --------
        >>> import laird as ld
        >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
        >>> values = {"Intercept": 1500, "sd(Batch)": 40, "sigma": 50}
        >>> data = model.simulate(values, groups=100, random_seed=1)
        >>> list(data), len(data), data.Batch.nunique()
        (['Yield', 'Batch'], 500, 100)
        """
        from laird.fitting.simulate import simulate

        return simulate(self.schema, self.design, self.table, params, groups, random_seed, from_fit)

    @property
    def priors(self) -> PriorTable:
        """The prior of every parameter: defaults on the data's scale, and overrides."""
        from laird.posterior import prior_table

        return prior_table(self.spec.priors, self.design)

    def graph(self, form: Literal["marginal", "explicit"] = "marginal") -> pm.Model:
        """The model as an ordinary `pymc.Model`.

        ``"marginal"``: group effects and coefficients with Gaussian or flat priors are
        integrated out; ``"explicit"``: everything is a random variable.
        """
        from laird.graph import graph

        return graph(self.design, self.priors, form=form)

    def to_bambi(self) -> Any:
        """The model as a `bambi.Model` with the same posterior: same columns, same priors.

        Of normal outcomes with independent group effects, several grouping factors, ``sigma ~ x``
        and weights.  Functions such as ``cvar(ses, school)`` become columns of its data.

        Raises
        ------
        SpecError
            Bambi cannot express the model: correlated group effects, ``meta_V``, several
            outcomes, ``sd(g) ~ x``; the message says what.
        FitError
            Bambi is not installed.
        """
        from laird.graph.bambi import to_bambi

        return to_bambi(self.schema, self.design, self.table, self.priors)

    def equations(self, notation: str = "bryk-raudenbush") -> Equations:
        """The model as LaTeX: level 1 and level 2, combined, and matrix form.

        `notation` is ``"bryk-raudenbush"``, ``"sas"``, ``"pinheiro-bates"`` or ``"laird-ware"``.
        """
        known = {one.known.name for one in self.spec.locations if one.known}
        return equations(
            self.spec,
            notation=notation,
            between=self.between,
            coding=coding(self.schema),
            matrices=known.difference(self.table.available),
        )

    def multilevel(self) -> MultilevelForm:
        """The multilevel form: one equation within groups, one for each coefficient between.

        Raises
        ------
        SpecError
            The model has none, or several outcomes.
        """
        if len(self.spec.locations) > 1:
            raise SpecError(
                "A model of several outcomes has no multilevel form.",
                remedy="Ask for the form of one outcome: laird.spec.to_multilevel(spec.locations[0]).",
            )
        return to_multilevel(self.spec.locations[0], self.between)

    @property
    def between(self) -> tuple[str, ...]:
        """Predictors that are constant within the groups of the random terms."""
        random = random_terms(self.spec)
        return self.schema.between(random[0].group_name) if random else ()

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        lines = "<br>".join(escape(line) for line in self._lines()[:3])
        priors = self.priors._repr_html_()
        latex = f"$$\n{self.equations()}\n$$"
        return f'<div class="laird-model"><p>{lines}</p>\n\n{latex}\n\n{priors}</div>'

    def _lines(self) -> list[str]:
        groups = [f"{len(r.levels)} groups of {r.group}" for r in self.design.random]
        dropped = [f"{count} rows dropped for missing {name}" for name, count in self.schema.dropped]
        unobserved = [f"{count} rows without {name}" for name, count in self.schema.unobserved]
        title = [self.spec.title] if self.spec.title else []
        sizes = "; ".join([f"{len(self.table)} rows", *groups, *dropped, *unobserved])
        return [*title, *str(self.spec).splitlines(), sizes, "", *self.priors.brief().splitlines()]


def model(
    formula: str | Spec,
    *parts: str,
    data: Any = None,
    levels: Mapping[str, Sequence[Any]] | None = None,
    priors: Mapping[str, str] | str | None = None,
    known: Mapping[str, Any] | None = None,
    missing: Literal["error", "drop"] | None = None,
    weights: str | None = None,
    families: Mapping[str, str] | None = None,
) -> Model:
    """Bind a model to data.

    Parameters
    ----------
    formula
        A formula such as ``"mathach ~ ses * Sector + (1 + ses | school)"``, or a `Spec`.
    *parts
        Further formulas, one per outcome and distributional parameter.
    data
        Any data frame that narwhals accepts (pandas, polars, pyarrow, …).  None: the
        data that the spec names, a bundled data set or a CSV file.
    levels
        Order of the categories by column; the first is the reference.
    priors
        Overrides such as ``{"ses": "normal(0, 1)", "sd(school)": "half_normal(2)"}``, or a set by
        name: ``"weakly_informative"`` (default), ``"informative"``, ``"flat"``, or
        ``"boundary_avoiding"``: flat but for sds and correlations, which are kept off zero and ±1.
    known
        What ``meta_V(name)`` refers to, by name, when it is no column: a vector of sampling
        variances, a dense or SciPy-sparse covariance matrix, or a list of its blocks, for all
        rows of `data`.  With several outcomes in one matrix its rows are the first row's
        outcomes, in the order of their formulas, then the second row's, and so on.
        Or text that says how columns build the matrix, which is then part of the spec:
        ``"vcov_cluster(vi, study, rho=0.6)"`` or ``"vcov_bivariate(v1, v2, cov=c)"``
        (`laird.vcov_cluster`, `laird.vcov_bivariate`).
    missing
        ``"error"`` (default) or ``"drop"``: rows with missing values are dropped and counted.
        Rows that lack some of several outcomes are used in either case.
    weights
        Column of weights, which multiply the rows' log-likelihoods (0: no information).  They
        are no inverse variances; known variances belong into ``meta_V(v)``.
    families
        What is not normal: ``{"school": "t", "errors": "t"}``, ``{"true_effects": "skew_normal"}``
        (`laird.spec.families`).  Such models are fitted by ``"nuts"``.

    Raises
    ------
    SpecError, DataError
        The formula or the data cannot be used; the message says where and what to do.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    >>> model.design.names, len(model.design.y)
    (('Intercept', 'Days'), 180)
    """
    given = {"levels": levels, "priors": priors, "missing": missing, "weights": weights, "families": families}
    spec, known = _built(_spec(formula, parts, given), known)
    check_aligned(known, data)
    table = read(spec, _frame(spec) if data is None else data, known)
    schema, design = bind(spec, table, known=known)
    if spec.priors:
        from laird.posterior import check_overrides

        check_overrides(spec.priors, design)
    return Model(spec, schema, design, table)


def _spec(formula: str | Spec, parts: Sequence[str], given: Mapping[str, Any]) -> Spec:
    settings: Any = {name: value for name, value in given.items() if value is not None}
    if not isinstance(formula, Spec):
        return parse_spec(formula, *parts, **settings)
    if parts:
        raise SpecError("A `Spec` already has all its parts.", remedy="Pass the formulas as strings instead.")
    return respecified(formula, **settings)


def _built(spec: Spec, known: Mapping[str, Any] | None) -> tuple[Spec, dict[str, Any]]:
    """Take into the spec what `known` says as text, and out of it what `known` gives as a matrix."""
    given = dict(named(known))
    recipes = {recipe.name: text(recipe.call) for recipe in spec.known if recipe.name not in given}
    recipes |= {name: value for name, value in given.items() if isinstance(value, str)}
    matrices = {name: value for name, value in given.items() if not isinstance(value, str)}
    return respecified(spec, known=recipes) if given else spec, matrices


def _frame(spec: Spec) -> Any:
    if not spec.data:
        raise DataError(
            "No data: the model was given none and its spec names none.",
            remedy='Pass `data=` a data frame, or write `data = "hs"` into the TOML file.',
        )
    if spec.data.endswith(".csv"):
        import pandas as pd

        if not Path(spec.data).exists():
            raise DataError(f"The data file `{spec.data}` does not exist.")
        return pd.read_csv(spec.data)
    return load_data(spec.data)


def _check_families(method: str, spec: Spec) -> None:
    if spec.families and method != "nuts":
        raise FitError(
            f'The method "{method}" needs normal errors and effects.',
            where=f"    {families_text(spec.families)}",
            remedy='Use fit("nuts"), or leave `families` out.',
        )


def _check_request(method: str, options: Mapping[str, object]) -> None:
    if method not in METHODS:
        raise FitError(
            f"Unknown method {method!r}.",
            allowed="Allowed: " + ", ".join(f'"{name}"' for name in METHODS) + ".",
        )
    for name in options:
        if name not in OPTIONS[method]:
            raise FitError(
                f'The method "{method}" has no option `{name}`.',
                allowed=nearest(name, OPTIONS[method]) or "It has no options.",
            )
