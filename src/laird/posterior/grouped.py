"""Where the compiled density was before every structure had one."""

from laird.posterior.compiled import density_function

__all__ = ["density_function"]
