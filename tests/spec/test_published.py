"""Published priors of heterogeneity: names, numbers, refusals."""

from itertools import product

import numpy as np
import pytest
from tests import peers

from laird.errors import SpecError
from laird.spec import parse_spec
from laird.spec.priors import parse_priors
from laird.spec.published import COMPARISONS, RHODES, TURNER, published
from laird.spec.terms import Prior

MORTALITY = "turner(all-cause mortality, pharmacological vs placebo)"


def test_turner_halves_location_and_scale_of_the_variance():
    """Table IV: log τ² ~ N(-3.95, 1.34²) for all-cause mortality, drug against placebo."""
    assert published(MORTALITY) == ("lognormal", (-1.975, 0.67), MORTALITY)


def test_marginal_priors():
    """Turner et al. p. 993: LN(-2.56, 1.74²); Rhodes et al. section 3.3: log t(-3.44, 2.59², 5)."""
    assert published("turner").values == (-1.28, 0.87)
    assert published("rhodes()") == ("log_student_t", (5.0, -1.72, 1.295), "rhodes")


@pytest.mark.parametrize(
    "written",
    [
        "turner(all-cause, pharma vs placebo)",
        "turner(All-cause mortality, placebo vs pharma)",
        "turner( all-cause mortality ,pharmacological vs. control)",
    ],
)
def test_names_may_be_shortened_and_sides_exchanged(written):
    assert published(written).name == MORTALITY


def test_every_name_gives_a_proper_prior():
    for outcome in TURNER:
        for pair in COMPARISONS:
            assert published(f"turner({outcome}, {pair})").values[1] > 0
    for outcome in RHODES:
        for area in ("other", "respiratory", "cancer"):
            found = [published(f"rhodes({outcome}, {pair}, {area})") for pair in COMPARISONS]
            assert all(prior.values[2] > 0 for prior in found)
            assert len({prior.values for prior in found}) == 3  # any comparison without drugs alone is one


def test_pc_has_the_stated_tail():
    family, (rate,), _ = published("pc(0.5, 0.1)")
    assert family == "exponential"
    assert np.exp(-rate * 0.5) == pytest.approx(0.1, rel=1e-12)


WRONG = {
    "turner(death, pharma vs placebo)": "There is no outcome `death`",
    "turner(pain, drug vs placebo)": "There is no comparison `drug vs placebo`",
    "turner(pain)": "`turner` takes 2 values",
    "rhodes(biological, pharma vs placebo, heart)": "There is no area `heart`",
    "turnr": "There is no prior family `turnr`",
    "pc(1)": "`pc` takes 2 values",
    "pc(1, 2)": "needs a limit U > 0",
    "pc(a, b)": "needs a limit U > 0",
}


@pytest.mark.parametrize("written", WRONG)
def test_wrong_arguments_are_refused(written):
    with pytest.raises(SpecError, match="prior of `sigma` is not valid") as caught:
        parse_priors({"sigma": written})
    assert WRONG[written] in caught.value.what
    assert written in caught.value.where


def test_only_sds_take_them():
    with pytest.raises(SpecError, match="`cor` cannot have the family `lognormal`"):
        parse_priors({"cor": MORTALITY})


def test_they_are_kept_by_name_in_toml():
    spec = parse_spec("y ~ 1 + meta_V(v)", priors={"sigma": "turner(all-cause, pharma vs placebo)"})
    assert f'sigma = "{MORTALITY}"' in spec.to_toml()
    assert spec.priors == (Prior("sigma", "lognormal", (-1.975, 0.67), MORTALITY),)


def test_other_priors_are_left_alone():
    assert published("normal(0, 1)") is None
    assert published("pc(1, 2) + 3") is None


def test_every_number_is_that_of_the_tables():
    """By column as the papers print them, from R's bayesmeta, which the module has by outcome."""
    tables = peers.golden("published_priors")
    for k, pair in enumerate(COMPARISONS):
        for j, outcome in enumerate(TURNER):
            location, scale = published(f"turner({outcome}, {pair})").values
            expected = tables["turner"]["location"][k][j], tables["turner"]["scale"][k][j]
            assert (2 * location, 2 * scale) == pytest.approx(expected, abs=1e-12)
        for (area, table), (j, outcome) in product(tables["rhodes"].items(), enumerate(RHODES)):
            df, location, scale = published(f"rhodes({outcome}, {pair}, {area})").values
            expected = 5, table["location"][min(k, 2)][j], table["scale"][min(k, 2)][j]
            assert (df, 2 * location, 2 * scale) == pytest.approx(expected, abs=1e-12)
