"""The notebooks run from top to bottom, every cell shows something, and what they say is true."""

import ast
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import laird as ld

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINES = re.compile(r"^\s*[%!]", re.MULTILINE)
LINKS = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
SHOWN = ("_repr_html_", "_repr_latex_", "_repr_mimebundle_")
FORBIDDEN = (ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.BinOp)


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def sources(path, kind):
    return ["".join(cell["source"]) for cell in cells(path, kind)]


def run(source, namespace):
    """Run a cell; return the value of a last expression, which a notebook would show."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace) if last else None


def shown(value):
    """What a notebook shows of a value: HTML or LaTeX where there is some, else text."""
    rich = (getattr(value, name)() for name in SHOWN if hasattr(value, name))
    return next(filter(None, rich), repr(value))


def first_model(found):
    fit, people = found["fit"], found["fit"].ranef("Subject").Days
    assert fit.fixef["Days"] == pytest.approx(10, abs=0.5)
    assert people.std() == pytest.approx(6, abs=1)
    assert ld.coef_tests(fit).df.tolist() == pytest.approx([17, 17], abs=1e-6)
    assert "0.5 chi2(1) + 0.5 chi2(2)" in str(ld.lr_test(found["parallel"], fit))
    new = fit.predict({"Days": [10, 10], "Subject": ["308", "x"]}, groups="new", kind="response")
    assert new.se[1] > new.se[0]


def shrinkage(found):
    reml, slopes = found["reml"], found["slopes"]
    sd = reml.summary().set_index(["component", "term"]).loc["sd", "ses"]
    assert sd["upper"] > 100 * sd["lower"]
    assert (slopes.posterior_sd > slopes.eb_sd).all()
    assert slopes.blue.std() > slopes.posterior.std()
    assert ld.variance_inequality(reml).holds.all()
    zero, eb, _ = found["at_zero"]
    batches = found["batches"]
    assert zero.status == eb.status == "boundary"
    assert batches.eblup.std() == pytest.approx(0, abs=1e-9)
    assert batches.eb.std() == pytest.approx(0, abs=1e-6)
    assert batches.posterior.std() > 0.2
    assert (batches.posterior_sd > batches.eb_sd).all()
    upper = eb.summary().set_index("component").loc["sd", "upper"]
    assert upper > 1


def within_between_contextual(found):
    lines = found["found"].to_frame()
    slopes = lines[lines.term == "ses"].estimate
    assert (slopes.min(), slopes.max()) == pytest.approx((1.67, 4.09), abs=0.01)
    paradoxes = found["found"].paradoxes()
    assert not paradoxes.signs_differ.any()
    assert paradoxes.beyond_error.all()
    assert found["hs"].groupby("Sector", observed=True).school.nunique().tolist() == [21, 19]
    icc = ld.icc(found["oneway"])
    assert icc.icc[0] == pytest.approx(0.17, abs=0.005)
    assert found["oneway"].nobs / icc.design_effect[0] == pytest.approx(208, abs=0.5)
    assert ld.variance_inequality(found["mixed"]).holds.all()
    hausman = ld.model("mathach ~ ses + (1 | id)", data=found["hs"]).fit("reml")
    assert ld.hausman(hausman).p_value < 0.001
    one, other = (ld.contextual(found[name], "ses").estimate for name in ("raw", "centred"))
    assert one.tolist() == pytest.approx(other.tolist(), rel=1e-6)
    assert one[2] == pytest.approx(one[1] - one[0], rel=1e-12)
    observed, latent = (ld.contextual(found["intercepts"], "ses", latent=kind) for kind in (False, True))
    assert (latent.estimate[2] / observed.estimate[2]) == pytest.approx(1.05, abs=0.01)
    assert ld.lr_test(found["parallel"], found["context"]).p_value > 0.2
    assert found["flat"].status == "boundary"
    assert ld.contextual(found["minority"], "Minority").p_value[2] > 0.05


def location_scale(found):
    """The vignette's printed numbers among them, to their digits."""
    ml, reml = found["ml"], found["reml"]
    assert ml.fixef.round(3).tolist() == [0.146, 0.262, 0.103]
    assert ml.se.tolist() == pytest.approx([0.03952995, 0.07954687, 0.03595271], rel=2e-5)
    assert ml.scale.tolist() == pytest.approx([-1.9804840, 1.0093575], abs=3e-6)
    table = found["report"].groupby("habitat", observed=True)[["sd", "variance", "total"]].mean()
    printed = np.array([[0.1380024, 0.01904467, 0.06715651], [0.3786562, 0.14338053, 0.19328933]])
    assert table.to_numpy() == pytest.approx(printed, rel=1e-5)
    assert table.sd["forest"] / table.sd["grassland"] == pytest.approx(2.743838, rel=1e-5)
    assert table.variance["forest"] > 7 * table.variance["grassland"]
    low, high = ld.prediction_interval(reml, found["places"])[["pi_lower", "pi_upper"]].to_numpy().T
    assert high[1] > 2 * high[0]
    assert low[1] < 2 * low[0] < 0
    by_rho = ld.rho_sensitivity(found["independent"])
    assert by_rho.estimate.min() > 0.8 * by_rho.estimate.max()
    assert (by_rho.sd_study.diff()[1:] < 0).all()
    zero, post = found["zero"], found["post"]
    assert zero.sigma == 0
    interval = ld.prediction_interval(zero, {"weeks": [0, 3]})
    assert interval.pi_lower.tolist() == interval.lower.tolist()
    assert post.summary().set_index("component").loc["sigma", "lower"] > 0


def bayesian_workflow(found):
    before, after, post = found["before"], found["after"], found["post"]
    assert before.inside < 0.5 < 0.8 < after.inside
    assert 0 < (found["hs"].mathach < 0).mean() < 0.03
    assert found["eb"].check().set_index("check").value["approximation"] < 0.7
    assert len(found["model"].design.random[0].names) == 2
    scaled = ld.power_scaling(post).set_index("component")
    assert scaled.likelihood["cor"] < scaled.likelihood.drop("cor").min()
    checked = found["check"].table.set_index("statistic").p_value
    assert checked["max"] > 0.99
    assert 0.02 < checked["sd of group means"] < 0.98
    fits = {"slopes vary": found["model"].fit("eb", random_seed=1), "parallel": found["parallel"]}
    assert ld.compare_loo(fits).elpd_diff["slopes vary"] == pytest.approx(-1, abs=1)
    sds = found["intervals"][["naive_sd", "corrected_sd", "posterior_sd"]]
    assert (sds.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    families = found["families"].set_index(["component", "term"])
    assert families.t["nu", ""] == pytest.approx(3.3, abs=0.5)
    assert found["strays"].weight.iloc[0] < 0.1
    assert found["strays"].weight.median() == pytest.approx(1, abs=0.4)
    days = families.loc[("fixed", "Days")]
    assert abs(days.normal - days.t) < 0.3 * days.t_sd


TRUTHS = {
    "01_first_model": first_model,
    "02_within_between_contextual": within_between_contextual,
    "03_shrinkage": shrinkage,
    "04_location_scale_meta_analysis": location_scale,
    "05_bayesian_workflow": bayesian_workflow,
}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def beside_models(tmp_path, monkeypatch):
    """Notebooks run in their folder, and may write there."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(folder)


def test_every_notebook_is_checked():
    assert {path.stem for path in FILES} == set(TRUTHS)


def test_outputs_are_stripped(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_it_imports_laird_alone_and_defines_nothing(path):
    code = sources(path, "code")
    nodes = [node for source in code for node in ast.walk(ast.parse(source))]
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert imported == ["laird"]
    assert [ast.unparse(node) for node in nodes if isinstance(node, FORBIDDEN)] == []
    assert not any(LINES.search(source) for source in code)


def test_it_begins_with_a_title(path):
    texts = sources(path, "markdown")
    assert texts[0].startswith("# ")
    assert sum(text.startswith("# ") for text in texts) == 1


def test_its_links_lead_somewhere(path):
    links = [link for text in sources(path, "markdown") for link in LINKS.findall(text)]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.usefixtures("beside_models")
def test_it_runs_and_every_cell_shows_something_true(path):
    from matplotlib import pyplot as plt

    namespace, code = {}, sources(path, "code")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = [run(source, namespace) for source in code]
        assert all(value is not None and shown(value) for value in values)
        pictures = [plt.figure(number) for number in plt.get_fignums()]
        assert len(pictures) == sum("ld.plots." in source for source in code)
        for picture in pictures:
            picture.canvas.draw()
            assert any(ax.has_data() for ax in picture.axes)
        TRUTHS[path.stem](namespace)
    finally:
        plt.close("all")
