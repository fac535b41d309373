"""Data frame -> Schema: columns, levels, groups, stored means; and the bundled data sets."""
