"""Fitters, one result type: least squares, (restricted) maximum likelihood, empirical Bayes, NUTS."""
