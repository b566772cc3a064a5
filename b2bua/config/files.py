"""Where the configurations that come with the program are."""

from __future__ import annotations

from pathlib import Path


def shipped_configs() -> Path:
    """Return the folder of shipped configurations: the checkout's, else the installed one."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "config"
    return beside if (beside / "demo.toml").is_file() else package / "_data" / "config"


def demo_config() -> Path:
    """Return the demo office's configuration."""
    return shipped_configs() / "demo.toml"
