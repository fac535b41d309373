"""The meta-analyses in models/ with their data: each fits and gives the numbers that it stands for."""

import numpy as np
import pytest

import laird as ld
from laird.cli import main
from laird.spec.equations import NOTATIONS
from tests.peers import golden

# The file, the stored fit of metafor it stands for, and how far metafor stopped from the maximum.
PEERS = {
    "restoration": ("restoration-{}", 1e-5),
    "bcg": ("bcg-{}", 1e-5),
    "bangertdrowns": ("bangertdrowns-{}", 1e-5),
    "konstantopoulos": ("konstantopoulos-{}", 1e-5),
    "assink": ("assink-{}", 1e-5),
    "assink_rho06": ("assink-rho0.6-{}", 1e-5),
    "berkey": ("berkey-{}", 1e-5),
    "berkey_year": ("berkey-year-{}", 2e-5),
}
OTHERS = ("bcg_location_scale", "bcg_robust", "raudenbush1985", "raudenbush1985_weeks")
NAMES = (*PEERS, *OTHERS)


@pytest.fixture(scope="module")
def model_of(root):
    return lambda name: ld.model(ld.read_spec(root / "models" / f"{name}.toml"))


def stored(name, method):
    peer, rtol = PEERS[name]
    found = {one["id"]: one for one in [*golden("peers_meta"), *golden("peers_hs")]}
    return found.get(peer.format(method)), rtol


CASES = [(name, method) for name in PEERS for method in ("reml", "ml") if stored(name, method)[0]]


def test_every_model_file_is_tested(root):
    files = {path.stem for path in (root / "models").glob("*.toml")}
    assert {name for name in files if not name.startswith("hs_")} == set(NAMES)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_fixed_effects_are_those_of_metafor(name, method, model_of):
    """metafor orders outcomes within terms, laird terms within outcomes."""
    fit, (peer, rtol) = model_of(name).fit(method), stored(name, method)
    for what, values in (("fixef", fit.fixef), ("se", fit.se)):
        expected = np.array(list(peer[what].values()))
        if fit.problem.design.outcomes:
            expected = expected.reshape(-1, 2).T.ravel()
        tolerance = rtol * np.maximum(np.abs(expected), fit.se)
        assert np.all(np.abs(values - expected) <= tolerance)


def test_heterogeneity_by_allocation_is_that_of_drmtmb(model_of):
    """drmTMB 0.7.0, run on these data: printed to six significant digits, of which its search
    leaves five."""
    fit = model_of("bcg_location_scale").fit("ml")
    assert fit.fixef["Intercept"] == pytest.approx(-0.657853, abs=1e-5)
    assert fit.scale.tolist() == pytest.approx([-1.67659, 1.17549, 1.04799], abs=3e-5)
    assert fit.loglik == pytest.approx(-11.99732, abs=5e-6)


def test_teachers_expectations_are_those_of_the_paper(model_of):
    """Raudenbush and Bryk (1985, p. 83-92), to the digits that metafor's tests of them keep."""
    plain, weeks = (model_of(name).fit("reml") for name in ("raudenbush1985", "raudenbush1985_weeks"))
    assert plain.fixef.tolist() == pytest.approx([0.0837], abs=5e-5)
    assert plain.sigma**2 == pytest.approx(0.0188, abs=5e-5)
    assert (plain.fixef / plain.se).tolist() == pytest.approx([1.6208], abs=5e-4)
    assert weeks.fixef.tolist() == pytest.approx([0.4072, -0.1572], abs=5e-5)
    assert (weeks.fixef / weeks.se).tolist() == pytest.approx([4.6782, -4.3884], abs=5e-4)
    assert weeks.sigma == 0.0
    assert weeks.status == "boundary"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_equations_in_every_notation(name, model_of):
    model = model_of(name)
    assert len({str(model.equations(notation)) for notation in NOTATIONS}) == len(NOTATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_fits_it(name, capsys):
    assert main(["fit", name]) == 0
    shown = capsys.readouterr().out
    method = "full Bayes: NUTS" if name == "bcg_robust" else "restricted maximum likelihood (REML)"
    assert method in shown
    assert "status: " in shown
