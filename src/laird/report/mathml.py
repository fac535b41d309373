"""LaTeX -> MathML, so that a report shows its equations without network or scripts.

latex2mathml does the parsing.  What is done here makes its output valid XML and readable
in browsers that follow MathML Core, with or without a mathematical font: these browsers
know neither ``columnalign`` nor a bold ``mathvariant``, and stretch brackets and overlines
only where the font has parts for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from unicodedata import lookup, name
from xml.etree.ElementTree import Element, SubElement, tostring

_VARIANTS = {"bold": "BOLD", "bold-italic": "BOLD ITALIC"}
_OVERLINES = ("\N{HORIZONTAL BAR}", "\N{MACRON}")
_OVERLINE_STYLE, _OVERLINE_HEIGHT = "border-top: 0.06em solid", "0.8em"
_STROKE = "linear-gradient(currentColor, currentColor)"
_CORNERS = ("left top", "left bottom", "right top", "right bottom")
_BRACKET_STYLE = (
    "border: solid; border-width: 0 0.07em; margin: 0 0.15em; padding: 0 0.1em; "
    "print-color-adjust: exact; background: "
    + ", ".join(f"{_STROKE} {corner} / 0.3em 0.07em no-repeat" for corner in _CORNERS)
)
_SIDE_STYLE = "text-align: {0}; text-align: -webkit-{0}; padding-left: 0; padding-right: 0"


def to_mathml(latex: str, *, display: bool = True) -> str:
    r"""Return `latex` as one ``<math>`` element.

    Parameters
    ----------
    latex
        Maths without dollar signs; ``aligned`` blocks are understood.
    display
        True for an equation on a line of its own, False within text.

    Examples
    --------
    >>> print(to_mathml(r"\sigma", display=False))
    <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>σ</mi></mrow></math>
    """
    from latex2mathml.converter import convert_to_element

    known_to_library = latex.replace("{aligned}", "{align*}")
    math = convert_to_element(known_to_library, display="block" if display else "inline")
    for element in math.iter():
        _repair(element)
    return tostring(math, encoding="unicode")


def _repair(element: Element) -> None:
    element.text = unescape(element.text or "")
    _style_characters(element)
    _name_relation(element)
    _space_comma(element)
    _align_cell(element)
    _draw_overline(element)
    _draw_brackets(element)
    _space_functions(element)


def _style_characters(element: Element) -> None:
    """Write bold letters as characters of their own."""
    variant = _VARIANTS.get(element.get("mathvariant", ""))
    if variant:
        del element.attrib["mathvariant"]
        element.text = "".join(_styled(character, variant) for character in element.text or "")


def _styled(character: str, variant: str) -> str:
    r"""Return the mathematical letter or digit; digits and Greek capitals stand upright.

    Examples
    --------
    >>> _styled("0", "BOLD ITALIC") == "\N{MATHEMATICAL BOLD DIGIT ZERO}"
    True
    """
    plain = name(character)
    if plain.startswith(("DIGIT", "GREEK CAPITAL")):
        variant = "BOLD"
    for word in ("GREEK ", "LATIN ", "LUNATE ", "LETTER "):
        plain = plain.replace(word, "")
    return lookup(f"MATHEMATICAL {variant} {plain}")


def _name_relation(element: Element) -> None:
    """Make "is distributed as" an operator, so that it gets its spaces."""
    if element.tag == "mi" and element.text == "~":
        element.tag, element.text = "mo", "\N{TILDE OPERATOR}"


def _space_comma(element: Element) -> None:
    if element.tag == "mo" and element.text == ",":
        element.set("rspace", "0.25em")


def _align_cell(element: Element) -> None:
    side = element.attrib.pop("columnalign", "") if element.tag == "mtd" else ""
    if side:
        element.set("style", _SIDE_STYLE.format(side))


def _draw_overline(element: Element) -> None:
    if element.tag == "mover" and unescape(element[-1].text or "") in _OVERLINES:
        element.remove(element[-1])
        element.tag = "mrow"
        element.set("style", _OVERLINE_STYLE)
        SubElement(element, "mspace", height=_OVERLINE_HEIGHT)


def _draw_brackets(parent: Element) -> None:
    """Draw the brackets of a matrix as borders of its table."""
    for opening, table, closing in tuple(_neighbours(parent)):
        if (unescape(opening.text or ""), table.tag, unescape(closing.text or "")) == ("[", "mtable", "]"):
            parent.remove(opening)
            parent.remove(closing)
            table.set("style", _BRACKET_STYLE)


def _neighbours(parent: Element) -> Iterator[tuple[Element, Element, Element]]:
    children = list(parent)
    return zip(children, children[1:], children[2:], strict=False)


def _space_functions(parent: Element) -> None:
    """Keep ``log`` apart from a symbol, and close to a parenthesis."""
    for function, argument in zip(list(parent), list(parent)[1:], strict=False):
        if function.tag in ("mi", "mo") and (function.text or "").isalpha() and len(function.text or "") > 1:
            is_enclosed = len(argument) > 0 and argument[0].get("fence") == "true"
            function.tag = "mo"
            function.attrib.update(lspace="0", rspace="0" if is_enclosed else "0.167em")
