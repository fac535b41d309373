"""Numbers and lists as a reader wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, inf, isfinite, isnan, log10

from laird.fitting.display import number as plain_number

MINUS, DASH, THIN = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{NARROW NO-BREAK SPACE}"
_MOST_DECIMALS = 5


def number(value: float, digits: int = 3) -> str:
    """Return `value` to `digits` significant digits, a dash when there is none.

    Examples
    --------
    >>> number(-12.3456), number(12345.6), number(float("nan"))
    ('−12.3', '12,346', '–')
    """
    if isnan(value):
        return DASH
    if not isfinite(value):
        return _with_minus(str(value)).replace("inf", "∞")
    return _with_minus(plain_number(value, digits))


def count(value: float) -> str:
    """Return an integer with its thousands apart.

    Examples
    --------
    >>> count(1977), count(49.5)
    ('1,977', '49.5')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def decimals(unit: float) -> int | None:
    """Return the decimals that show `unit` to two significant digits, None where they would not fit.

    Examples
    --------
    >>> decimals(0.0456), decimals(0.45), decimals(27.0)
    (3, 2, 0)
    """
    if not isfinite(unit) or unit <= 0:
        return None
    places = max(1 - floor(log10(unit)), 0)
    return places if places <= _MOST_DECIMALS else None


def fixed(value: float, places: int | None) -> str:
    """Return `value` with so many decimals; to three digits when `places` is None.

    Examples
    --------
    >>> fixed(-0.001, 2), fixed(3.14159, 2), fixed(3.14159, None)
    ('0.00', '3.14', '3.14')
    """
    if places is None or not isfinite(value):
        return number(value)
    text = f"{value:,.{places}f}"
    return _with_minus(text) if float(text.replace(",", "")) else text.lstrip("-")


def with_error(estimate: float, se: float) -> str:
    """Return estimate ± standard error, both to the second digit of the error.

    Examples
    --------
    >>> with_error(13.4796, 0.4502), with_error(-1.0, float("nan"))
    ('13.48 ± 0.45', '−1.00')
    """
    places = decimals(se)
    if not se > 0:
        return number(estimate)
    return f"{fixed(estimate, places)} ± {fixed(se, places)}"


def interval(lower: float, upper: float, unit: float = inf) -> str:
    """Return "lower to upper" with the decimals that suit `unit`; a dash when there is none.

    Examples
    --------
    >>> interval(-2.94114, -0.25762, 0.66), interval(float("nan"), float("nan"))
    ('−2.94 to −0.26', '–')
    """
    if isnan(lower) or isnan(upper):
        return DASH
    places = decimals(unit)
    return f"{fixed(lower, places)} to {fixed(upper, places)}"


def listed(items: Iterable[str]) -> str:
    """Join items as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def sentence(text: str) -> str:
    """Begin a text with a capital letter.

    Examples
    --------
    >>> sentence("maximum likelihood (ML)")
    'Maximum likelihood (ML)'
    """
    return text[:1].upper() + text[1:]


def p_value(p: float) -> str:
    """Return a p-value to three decimals.

    Examples
    --------
    >>> p_value(0.0412), p_value(1e-9)
    ('p = 0.041', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def code(name: str) -> str:
    """Mark a name so that the page shows it as code."""
    return f"`{name}`" if "`" not in name else name


def plural(n: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(1977, "row")
    ('1 row', '1,977 rows')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def span(values: Sequence[float], digits: int = 2) -> str:
    """Return the range of some values, one number when they agree to `digits`.

    Examples
    --------
    >>> span([0.1, 0.102]), span([0.1, 0.3])
    ('0.10', '0.10 to 0.30')
    """
    low, high = number(min(values), digits), number(max(values), digits)
    return low if low == high else f"{low} to {high}"


def _with_minus(text: str) -> str:
    return text.replace("-", MINUS, 1) if text.startswith("-") else text
