"""NIST's certified analyses of variance, by REML: balanced, so σ² = MSW and τ² = (MSB - MSW)/n."""

from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import laird as ld
from tests.peers import golden

CERTIFIED = golden("nist_anova")["certified"]

# Certified to 15 digits for exact decimals.  What doubles hold of them decides: SmLs04 to 06 have seven
# constant leading digits; SmLs07 to 09 thirteen, where doubles are exact to 6e-5 and differences are 0.1.
RELATIVE = (
    dict.fromkeys(("SiRstv", "SmLs01", "SmLs02", "SmLs03"), 1e-10)
    | dict.fromkeys(("AtmWtAg", "SmLs04", "SmLs05", "SmLs06"), 1e-8)
    | dict.fromkeys(("SmLs07", "SmLs08", "SmLs09"), 1e-4)
)


def frame(name):
    case = CERTIFIED[name]
    groups = case["y"] if "y" in case else simon_lesage(case["leading"], case["replicates"])
    labels = np.repeat(np.arange(1, len(groups) + 1), [len(group) for group in groups])
    return pd.DataFrame({"treatment": labels, "y": np.concatenate(groups)})


def simon_lesage(leading, replicates):
    """Whole tenths divided by ten: the doubles nearest to the decimals of the files."""
    deviations = np.append(0, np.resize([-1, 1], replicates - 1))
    return [(10 * leading + mean + deviations) / 10 for mean in golden("nist_anova")["mean_tenths"]]


def test_every_certified_data_set_is_analysed():
    assert set(RELATIVE) == set(CERTIFIED)


@pytest.fixture(params=CERTIFIED)
def name(request):
    return request.param


@pytest.fixture
def fit(name):
    two_groups = pytest.warns(ld.LairdWarning, match="has 2 groups")
    with two_groups if name == "AtmWtAg" else nullcontext():
        model = ld.model("y ~ 1 + (1 | treatment)", data=frame(name))
    return model.fit("reml")


def mean_square_between(fit):
    replicates = fit.nobs // fit.ngroups["treatment"]
    return fit.sigma**2 + replicates * fit.varcorr.vcov[0]


def test_certified_values(name, fit):
    case = CERTIFIED[name]
    assert [fit.ngroups["treatment"] - 1, fit.nobs - fit.ngroups["treatment"]] == case["df"]
    assert fit.status == "ok"
    assert fit.sigma == pytest.approx(case["residual_sd"], rel=RELATIVE[name])
    assert mean_square_between(fit) / fit.sigma**2 == pytest.approx(case["F"], rel=RELATIVE[name])


def test_mean_squares_of_the_doubles_in_exact_arithmetic(name, fit):
    """Nothing is lost but what the data had lost as doubles, even with thirteen constant digits."""
    between, within = mean_squares(frame(name))
    assert fit.sigma**2 == pytest.approx(within, rel=1e-10)
    assert mean_square_between(fit) == pytest.approx(between, rel=1e-10)


def mean_squares(data):
    groups = [[Fraction(float(y)) for y in group] for _, group in data.groupby("treatment").y]
    means = [sum(group) / len(group) for group in groups]
    mean = sum(map(sum, groups)) / len(data)
    between = sum(len(group) * (m - mean) ** 2 for group, m in zip(groups, means, strict=True))
    within = sum((y - m) ** 2 for group, m in zip(groups, means, strict=True) for y in group)
    return float(between / (len(groups) - 1)), float(within / (len(data) - len(groups)))
