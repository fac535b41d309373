"""Priors with numbers: families, the prior table of a model, and densities built on them."""
