"""Entry point of ``b2bua`` and ``python -m b2bua``."""

from __future__ import annotations

from b2bua.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
