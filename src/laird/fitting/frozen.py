"""Records whose arrays cannot be changed either."""

from laird.gaussian.frozen import freeze

__all__ = ["freeze"]
