"""``python -m laird`` is the command ``laird``."""

from __future__ import annotations

import sys

from laird.cli import main

if __name__ == "__main__":
    sys.exit(main())
