"""The notations of mixed models as rows of data.

The rows follow the dictionary "Notational Babel" of G. Monette's slides: Bryk and
Raudenbush (1992), the SAS documentation, Pinheiro and Bates (2000), and the slides'
own writing of the Laird-Ware (1982) form.
"""

from __future__ import annotations

from dataclasses import dataclass

from laird.errors import SpecError, nearest

INDEX_LETTERS = "ijklmnpqsth"


@dataclass(frozen=True, slots=True)
class Notation:
    r"""The symbols of one school of writing mixed models (LaTeX).

    Attributes
    ----------
    fixed
        Fixed-effect parameters, e.g. ``\gamma``.
    coefficient
        Coefficients of one group (cluster), e.g. ``\beta``.
    effects
        Centred random effects, one symbol per grouping factor, e.g. ``u``, ``v``.
    covariance, covariance_element
        Covariance matrix of the random effects, and its elements.
    outcome, residual
        Vector of outcomes, and the residual of one row.
    residual_covariance
        Covariance matrix of a group's residuals.
    residual_scaled
        True when that matrix is written ``\sigma^2`` times a matrix.
    group_first
        True when the index of the group precedes that of the row within the group.
    double_index
        True when fixed effects carry two numbers: the level-1 coefficient that they
        explain, and the place in its level-2 equation.
    matrix_first
        True when the matrix form is the main form.

    Examples
    --------
    >>> notation_named("sas").fixed
    '\\beta'
    """

    name: str
    title: str
    fixed: str
    coefficient: str
    effects: tuple[str, ...]
    covariance: str
    covariance_element: str
    outcome: str
    residual: str
    residual_covariance: str
    residual_scaled: bool = False
    group_first: bool = False
    double_index: bool = True
    matrix_first: bool = False

    def row_index(self, groups: str, own: str) -> str:
        """Return the index of a row: that of its groups and its own letter."""
        return groups + own if self.group_first else own + groups


BRYK_RAUDENBUSH = Notation(
    name="bryk-raudenbush",
    title="Bryk and Raudenbush",
    fixed=r"\gamma",
    coefficient=r"\beta",
    effects=("u", "v", "w", "s"),
    covariance=r"\mathbf{T}",
    covariance_element=r"\tau",
    outcome=r"\mathbf{Y}",
    residual="r",
    residual_covariance=r"\boldsymbol{\Sigma}",
)

SAS = Notation(
    name="sas",
    title="SAS",
    fixed=r"\beta",
    coefficient="b",
    effects=(r"\gamma", r"\eta", r"\zeta", r"\xi"),
    covariance=r"\mathbf{G}",
    covariance_element="g",
    outcome=r"\mathbf{y}",
    residual=r"\epsilon",
    residual_covariance=r"\mathbf{R}",
    double_index=False,
)

# Pinheiro and Bates name a group's own coefficients only in their chapters on nonlinear
# models, where they are phi: phi_i = A_i beta + B_i b_i.
PINHEIRO_BATES = Notation(
    name="pinheiro-bates",
    title="Pinheiro and Bates",
    fixed=r"\beta",
    coefficient=r"\phi",
    effects=("b", "c", "d", "f"),
    covariance=r"\boldsymbol{\Psi}",
    covariance_element=r"\psi",
    outcome=r"\mathbf{y}",
    residual=r"\varepsilon",
    residual_covariance=r"\boldsymbol{\Lambda}",
    residual_scaled=True,
    group_first=True,
    double_index=False,
)

LAIRD_WARE = Notation(
    name="laird-ware",
    title="Laird and Ware",
    fixed=r"\gamma",
    coefficient=r"\beta",
    effects=("u", "v", "w", "s"),
    covariance=r"\mathbf{G}",
    covariance_element="g",
    outcome=r"\mathbf{Y}",
    residual="r",
    residual_covariance=r"\mathbf{R}",
    matrix_first=True,
)

NOTATIONS = {row.name: row for row in (BRYK_RAUDENBUSH, SAS, PINHEIRO_BATES, LAIRD_WARE)}


def notation_named(name: str) -> Notation:
    """Return the notation called `name`.

    Parameters
    ----------
    name
        One of the keys of `NOTATIONS`.

    Raises
    ------
    SpecError
        When there is no such notation.

    Examples
    --------
    >>> notation_named("pinheiro-bates").title
    'Pinheiro and Bates'
    """
    if name not in NOTATIONS:
        raise SpecError(
            f"There is no notation `{name}`.",
            where=nearest(name, NOTATIONS),
            allowed="Notations: " + ", ".join(f'"{known}"' for known in NOTATIONS) + ".",
            remedy='Write one of them, e.g. notation="bryk-raudenbush".',
        )
    return NOTATIONS[name]


def bold(symbol: str) -> str:
    r"""Return the symbol as a vector: upright bold for letters, bold italic for Greek.

    Examples
    --------
    >>> print(bold("u"), bold(r"\gamma"))
    \mathbf{u} \boldsymbol{\gamma}
    """
    return rf"\boldsymbol{{{symbol}}}" if symbol.startswith("\\") else rf"\mathbf{{{symbol}}}"
