"""What results owe to the correlation that was assumed between sampling errors of one study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from laird.data.covariance import connected_blocks, read_covariance
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.coefficients import coef_tests
from laird.inference.combinations import check_probability
from laird.inference.influence import heterogeneity_sds
from laird.inference.reference import Df
from laird.inference.refits import refit
from laird.inference.studies import require_known
from laird.inference.units import column_of, units_of
from laird.meta.covariances import vcov_cluster

GRID = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)

COLUMNS = ["term", "estimate", "se", "lower", "upper"]


def rho_sensitivity(
    fit: Fit,
    cluster: Any = None,
    rho: Sequence[float] = GRID,
    structure: Literal["constant", "ar"] = "constant",
    *,
    time: ArrayLike | None = None,
    df: Df | None = None,
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Fit a meta-analysis again with other correlations between the sampling errors of one study.

    Within-study correlations are seldom reported; what is assumed of them changes standard
    errors and the split of heterogeneity between and within studies.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method; of its V only the variances are kept.
    cluster
        The studies: a grouping factor, or labels by row; None: the factor outside all others.
    rho
        Correlations to assume, one after another.
    structure, time
        As in `laird.vcov_cluster`.
    df, prob
        As in `laird.coef_tests`.
    **options
        As in `laird.leave_one_out`.

    Returns
    -------
    For each correlation ``rho, loglik, term, estimate, se, lower, upper``, and root mean square sds
    of the levels of heterogeneity, ``sd_residual``, ``sd_<group>``.

    Raises
    ------
    FitError
        No known sampling variances, or several outcomes.
    DataError
        A correlation that is impossible for a study.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("yi ~ 1 + (1 | study) + meta_V(vi)", data=ld.load_data("assink2016"))
    >>> found = ld.rho_sensitivity(model.fit("reml"), rho=[0, 0.6])
    >>> found[["rho", "estimate", "se", "sd_residual", "sd_study"]].round(3).values.tolist()
    [[0.0, 0.427, 0.118, 0.335, 0.433], [0.6, 0.368, 0.097, 0.393, 0.284]]
    """
    check_probability(prob)
    require_known(fit)
    design = fit.problem.design
    if design.outcomes or design.known is None:
        raise FitError(
            "Assumed correlations are varied for one outcome.", remedy="Refit with `ld.vcov_bivariate(…)`."
        )
    labels = np.asarray(units_of(fit, cluster).codes)
    extra = {} if time is None else {"time": column_of(fit, time).to_numpy()}
    tables = []
    for value in rho:
        V = vcov_cluster(design.known.variances, labels, float(value), structure, **extra)
        blocks = connected_blocks(read_covariance("V", V), str)
        own = refit(fit, replace(design, known=replace(design.known, blocks=blocks)), **options)
        table = coef_tests(own, df=df, prob=prob)[COLUMNS]
        first = pd.DataFrame({"rho": float(value), "loglik": own.loglik}, index=table.index)
        tables.append(first.join(table).assign(**heterogeneity_sds(fit, own)))
    return pd.concat(tables, ignore_index=True)
