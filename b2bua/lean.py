"""structlog without what it would load for tracebacks in colours, 6 MB of memory: a log has plain ones."""

from __future__ import annotations

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog
    finally:
        del sys.modules["rich"]  # the tables of other commands are drawn by it
else:
    import structlog

__all__ = ["structlog"]
