"""Spec -> variants -> fits -> tables: how much an answer depends on what was assumed."""
