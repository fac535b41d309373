"""Reports: one self-contained HTML file on a model and its fits."""

from __future__ import annotations

from laird.report.page import render, write_report
from laird.report.terminal import comparison_text

__all__ = ["comparison_text", "render", "write_report"]
