import pytest

from laird.errors import FitError
from laird.fitting.settings import settings_of


def test_the_record_holds_what_the_draws_depend_on():
    found = settings_of(draws=10, tune=5, chains=2, cores=1, random_seed=3, sampler="pymc").record()
    assert found == {"draws": 10, "tune": 5, "chains": 2, "target_accept": 0.8, "sampler": "pymc"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "stan"}, '"nutpie", "pymc"'),
        ({"progress": "never"}, 'True, False, "auto"'),
        ({"draws": 0}, "whole numbers from 4"),
    ],
)
def test_other_values_are_refused(options, message):
    with pytest.raises(FitError, match=message):
        settings_of(**options)


def test_batch_runs_show_no_progress(monkeypatch):
    monkeypatch.setenv("CI", "1")
    assert not settings_of(progress="auto").progress
    assert settings_of(progress=True).progress


def test_a_sampler_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr("laird.fitting.settings.find_spec", lambda _name: None)
    assert settings_of().sampler == "pymc"
    with pytest.raises(FitError, match="not installed"):
        settings_of(sampler="nutpie")
