import pandas as pd
import pytest

from laird import plots
from laird.errors import FitError


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "label": ["a", "b", "c"] * 2,
            "term": ["Intercept"] * 3 + ["x"] * 3,
            "blue": [2.0, 9.0, 1.0, 0.1, 0.2, 0.3],
            "blue_sd": 1.0,
            "normal": [2.2, 6.0, 1.5, 0.1, 0.2, 0.3],
            "normal_factor": 0.5,
            "t": [2.1, 8.5, 1.2, 0.1, 0.2, 0.3],
            "t_sd": 0.9,
            "t_weight": [1.1, 0.2, 1.0] * 2,
        }
    )


def test_rows_are_in_the_order_of_their_own_estimates(table):
    ax = plots.families(table, "Intercept")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["c", "a", "b"]
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["BLUE (own data) ± 1 sd", "posterior mean, normal", "posterior mean, t"]
    shown = {line.get_label(): list(line.get_xdata()) for line in ax.get_lines()}
    assert shown["posterior mean, t"] == [1.2, 2.1, 8.5]


def test_small_weights_are_written(table):
    assert [text.get_text() for text in plots.families(table, "Intercept").texts] == ["weight 0.20"]


def test_names_of_many_rows_are_left_out(table):
    many = pd.concat([table[table.term == "x"]] * 40, ignore_index=True)
    assert plots.families(many, "x").get_yticklabels() == []


def test_the_coefficient_must_be_named(table):
    with pytest.raises(FitError, match="Name one of Intercept, x"):
        plots.families(table)
    with pytest.raises(FitError, match="Available: `Intercept`, `x`"):
        plots.families(table, "Days")
