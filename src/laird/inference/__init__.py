"""Fit -> tests, degrees of freedom, intervals and measures of explained variation."""
