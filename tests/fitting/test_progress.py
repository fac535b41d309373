"""One line for all chains: in a notebook one output that ends as plain text and HTML; see the module."""

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest

import laird as ld
from laird.fitting import progress
from laird.fitting.progress import State, watching
from laird.fitting.settings import settings_of

SETTINGS = settings_of(chains=2, draws=100, tune=50, cores=1, progress=True)
OPTIONS = {"draws": 50, "tune": 50, "chains": 2, "cores": 1, "random_seed": 1}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook:
    """IPython's ``display`` with the outputs of a cell, as a kernel would save them."""

    def __init__(self):
        self.outputs, self.updates = [], 0

    def display(self, shown, *, display_id):
        assert display_id is True
        self.outputs.append(self.saved(shown))
        place = len(self.outputs) - 1
        return SimpleNamespace(update=lambda shown: self.update(place, shown))

    def update(self, place, shown):
        self.updates += 1
        self.outputs[place] = self.saved(shown)

    @staticmethod
    def saved(shown):
        return {"text/plain": repr(shown), "text/html": shown._repr_html_()}


@pytest.fixture
def notebook(monkeypatch):
    found = Notebook()
    display = ModuleType("IPython.display")
    display.display = found.display
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    return found


@pytest.fixture
def stderr(monkeypatch):
    def replace(file):
        monkeypatch.setattr(sys, "stderr", file)
        return file

    return replace


def chains(*done, divergences=0):
    return [SimpleNamespace(finished_draws=k, divergences=divergences) for k in done]


@pytest.fixture(scope="module")
def model(dyestuff):
    return ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff)


def test_a_state_says_how_far_all_chains_are():
    state = State(chains=1, draws=1000, tune=500, done=750, divergences=1, seconds=2.0)
    assert repr(state) == "1 chain of 1,000 draws after 500 of tuning: 50 %, 1 divergence, 2.0 s"
    assert '<progress value="750" max="1500"></progress>' in state._repr_html_()


@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_a_notebook_keeps_one_output_that_is_finished(sampler, notebook, model):
    model.fit("nuts", **OPTIONS, sampler=sampler)
    (output,) = notebook.outputs
    assert notebook.updates >= 1 or sampler == "nutpie"
    for text in output.values():
        assert "2 chains of 50 draws after 50 of tuning: finished, " in text
    assert "<progress" not in output["text/html"]


def test_nothing_is_shown_unasked(notebook, model, capsys):
    model.fit("nuts", **OPTIONS, progress=False)
    assert notebook.outputs == []
    assert capsys.readouterr() == ("", "")


def test_states_follow_each_other_in_their_interval(notebook, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 1e6)
    with watching(SETTINGS) as watch:
        for k in range(100):
            watch(chains(k, 2 * k))
        watch.finish(divergences=2)
    assert notebook.updates == 1
    assert watch.state.done == watch.state.total == 300
    assert ": finished, 2 divergences" in notebook.outputs[0]["text/plain"]


def test_chains_that_are_interrupted_say_so(notebook):
    with pytest.raises(KeyboardInterrupt), watching(SETTINGS) as watch:  # noqa: PT012  # the state before
        watch(chains(100, 50, divergences=1))
        raise KeyboardInterrupt
    assert ": stopped at 50 %, 2 divergences" in notebook.outputs[0]["text/plain"]


def test_draws_of_pymc_are_counted_one_by_one():
    def draw(*, tuning, diverging):
        return SimpleNamespace(tuning=tuning, stats=[{"diverging": diverging}])

    with watching(settings_of(chains=1, draws=4, tune=2, progress=False)) as watch:
        watch.draw(trace=None, draw=draw(tuning=True, diverging=True))
        watch.draw(trace=None, draw=draw(tuning=False, diverging=True))
    assert (watch.state.done, watch.state.divergences) == (2, 1)


def test_a_terminal_has_one_line(stderr, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    file = stderr(Terminal())
    with watching(SETTINGS) as watch:
        watch(chains(100, 50))
        watch.finish(divergences=0)
    first, last = file.getvalue().split("\r")[1:]
    assert "50 %" in first
    assert "\n" not in first
    assert last.endswith(" s\n")


def test_a_file_gets_the_end_alone(stderr, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    file = stderr(io.StringIO())
    with watching(SETTINGS) as watch:
        watch(chains(100, 50))
        watch.finish(divergences=0)
    assert file.getvalue().count("\n") == 1
    assert "finished" in file.getvalue()
