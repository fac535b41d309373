"""A model as LaTeX equations, in the notation asked for."""

from laird.spec.equations.model import Equations, Section, equations
from laird.spec.equations.notations import NOTATIONS, Notation

__all__ = ["NOTATIONS", "Equations", "Notation", "Section", "equations"]
