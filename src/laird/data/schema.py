"""Schema: everything learned from the data, kept so that new data are treated alike.

Levels of categories and groups, and the stored group means of ``cvar``/``dvar``.
"""
