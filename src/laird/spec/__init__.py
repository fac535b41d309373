"""Text -> frozen `Spec`: formulas, priors, TOML, the multilevel form.

Standard library only; nothing here has seen data.
"""

from laird.spec.files import read_spec, spec_from_toml
from laird.spec.multilevel import MultilevelForm, multilevel, multilevel_form, to_multilevel
from laird.spec.priors import FAMILIES, parse_priors, without_shapes
from laird.spec.recipes import recipe_columns, recipe_text
from laird.spec.scanner import normalised
from laird.spec.spec import Spec, parse_spec, respecified, spec_variables
from laird.spec.syntax import variables
from laird.spec.terms import (
    INTERCEPT,
    DistributionalPart,
    KnownVariance,
    Location,
    Prior,
    RandomTerm,
    Recipe,
    Term,
)
from laird.spec.writing import location_text, part_text, term_name, text

__all__ = [
    "FAMILIES",
    "INTERCEPT",
    "DistributionalPart",
    "KnownVariance",
    "Location",
    "MultilevelForm",
    "Prior",
    "RandomTerm",
    "Recipe",
    "Spec",
    "Term",
    "location_text",
    "multilevel",
    "multilevel_form",
    "normalised",
    "parse_priors",
    "parse_spec",
    "part_text",
    "read_spec",
    "recipe_columns",
    "recipe_text",
    "respecified",
    "spec_from_toml",
    "spec_variables",
    "term_name",
    "text",
    "to_multilevel",
    "variables",
    "without_shapes",
]
