"""Puts the checkout on the path, so that tests import ``tests.harness`` as the product imports itself."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
