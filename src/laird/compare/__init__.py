"""Comparisons of fits."""
