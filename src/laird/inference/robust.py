"""Cluster-robust inference for the fixed effects of any fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.coefficients import coef_tests
from laird.inference.dispersion import rows_of
from laird.inference.gls import gls
from laird.inference.rowblocks import Layout, layout, regroup, whitener
from laird.inference.rowcovariance import RowCovariance
from laird.inference.sandwich import Sandwich, cr2
from laird.inference.units import units_of
from laird.inference.wald import WaldTest, wald

type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClusterRobust:
    """Cluster-robust covariance of the fixed effects of a fit.

    Attributes
    ----------
    fit
        The fit.
    sandwich
        The covariance CR2 and its degrees of freedom; may be given as ``df=`` to
        `laird.coef_tests` and `laird.wald`.
    clusters
        Number of clusters.
    """

    fit: Fit
    sandwich: Sandwich
    clusters: int

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance of the fixed effects."""
        names = list(self.fit.problem.design.names)
        return pd.DataFrame(np.array(self.sandwich.cov), index=names, columns=names)

    @property
    def se(self) -> pd.Series:
        """Standard errors of the fixed effects."""
        return pd.Series(np.sqrt(np.diag(self.sandwich.cov)), index=self.vcov.index, name="se")

    def tests(self, prob: float = 0.95) -> pd.DataFrame:
        """The table of `laird.coef_tests`, with Satterthwaite's degrees of freedom for CR2."""
        return coef_tests(self.fit, df=self.sandwich, prob=prob)

    def wald(
        self,
        hypothesis: Any = None,
        *,
        pattern: str | None = None,
        rhs: ArrayLike | None = None,
        prob: float = 0.95,
    ) -> WaldTest:
        """`laird.wald` with this covariance; the joint test is the approximate Hotelling T²."""
        return wald(self.fit, hypothesis, pattern=pattern, rhs=rhs, df=self.sandwich, prob=prob)

    def __repr__(self) -> str:
        return f"Cluster-robust (CR2), {self.clusters} clusters\n" + self.tests().to_string(index=False)

    def _repr_html_(self) -> str:
        return f"<p>Cluster-robust (CR2), {self.clusters} clusters</p>" + self.tests().to_html(index=False)


def cluster_robust(fit: Fit, cluster: Any = None) -> ClusterRobust:
    """Standard errors and tests that hold when the covariance within clusters is misspecified.

    The bias-reduced covariance CR2 with Satterthwaite's degrees of freedom (Bell & McCaffrey
    2002; Tipton 2015; Pustejovsky & Tipton 2018); the fitted Σ, with whatever
    heterogeneity, is the working model, so that weights are those of the fit.

    Parameters
    ----------
    fit
        A fit by any method, of any model; of draws the point estimate is used.
    cluster
        A grouping factor of the model (None: its only one, or the one outside all others),
        or labels of the clusters, a column with one entry per row of the data.

    Raises
    ------
    FitError
        Unknown factor, labels of the wrong length, rows of different clusters that the
        model correlates, or fewer than two clusters.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs")).fit("reml")
    >>> robust = ld.cluster_robust(fit, "school")
    >>> robust.tests()[["term", "se", "df"]].round(3)
            term     se      df
    0  Intercept  0.354  38.939
    1        ses  0.243  36.523
    """
    design = fit.problem.design
    units = units_of(fit, cluster)
    own, count = rows_of(fit), len(units.labels)
    if count < 2:
        raise FitError("There is one cluster only.", remedy="Cluster by something that varies.")
    _refuse_crossing(own.where, units.codes)
    where = layout(units.codes)
    Sigma = _working(own, design.weights)
    found = gls(design.y, design.X, whitener(own.where, Sigma))
    return ClusterRobust(fit, cr2(design.X, found, where, regroup(own.where, Sigma, where)), count)


def _working(own: RowCovariance, weights: NDArray[np.float64] | None) -> tuple[NDArray[np.float64], ...]:
    """Σ by stack; the variance of a row that counts w times is divided by w."""
    if weights is None:
        return own.total()
    if not weights.all():
        raise FitError(
            "Rows of weight 0 have no residuals that count.", remedy="Leave them out, and fit again."
        )
    stacks = zip(own.where.stacks, own.total(), strict=True)
    return tuple(Sigma / weights[rows][..., None] for rows, Sigma in stacks)


def _refuse_crossing(where: Layout, codes: Ids) -> None:
    for rows in where.stacks:
        if np.any(codes[rows] != codes[rows[:, :1]]):
            raise FitError(
                "Rows of different clusters are correlated in the model.",
                remedy="Cluster by the factor outside all others, or leave the crossing factor out.",
            )
