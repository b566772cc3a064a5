"""The one-way architecture: who may import whom, read from the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

STEPS = {"ringing", "ivr", "call_queue", "voicemail", "webhook", "crm"}
STEP_MAY = {"call", "people", "routing", "store", "config", "media", "errors"}
ALLOWED: dict[str, set[str]] = {
    "media": set(),
    "errors": set(),
    "money": set(),
    "thawing": set(),
    "recipes": {"config", "errors"},
    "sip": {"errors"},
    "routing": {"errors", "money"},
    "store": {"errors", "money"},
    "phrases": {"errors"},
    "http": {"errors"},
    "trace": {"sip", "errors"},
    "calendars": {"config", "http", "routing", "errors"},
    "config": {"routing", "errors"},
    "call": {"sip", "media", "errors"},
    "registrar": {"sip", "store", "config", "errors"},
    "trunk": {"sip", "store", "config", "routing", "errors", "money"},
    "people": {"routing", "sip", "store", "config", "errors"},
    "api": {"call", "call_queue", "config", "people", "registrar", "routing", "store", "errors"},
    "notify": {"store", "config", "http", "errors"},
    "recording": {"call", "config", "media", "routing", "store", "errors"},
    "lamps": {"call", "registrar", "routing", "sip", "store", "errors"},
    **dict.fromkeys(STEPS, STEP_MAY),
    "webhook": {*STEP_MAY, "http"},
    "crm": {*STEP_MAY, "http", "notify"},
}
"""Package: what of ours it may import. Those that are not here are the top, which may import everything."""
TOP = {
    *("__init__", "__main__", "almanac", "attendance", "background", "cli", "demo", "edition"),
    *(
        "editing",
        "heap",
        "inbound",
        "interface",
        "lean",
        "listening",
        "log",
        "logbook",
        "moment",
        "preparing",
        "recovering",
    ),
    *("reloading", "running_calls", "server", "serving", "sounding", "surroundings"),
}


def imports() -> Iterator[tuple[str, str, str]]:
    """Yield (importing package, imported package, place) for every import of ours."""
    for path in sorted((ROOT / "b2bua").rglob("*.py")) + sorted((ROOT / "media").rglob("*.py")):
        importer = package_of(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            for module in modules(node):
                parts = tuple(module.split("."))
                if parts[0] in ("b2bua", "media"):
                    yield importer, package_of(parts), f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]


def package_of(parts: tuple[str, ...]) -> str:
    if parts[0] == "media":
        return "media"
    return parts[1] if len(parts) > 1 else "__init__"


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        if node.module == "b2bua":
            return [f"b2bua.{name.name}" for name in node.names]
        return [node.module]
    return []


def test_packages_import_only_what_lies_below_them() -> None:
    forbidden = [
        f"{place}: {importer} imports {imported}"
        for importer, imported, place in imports()
        if importer in ALLOWED and imported != importer and imported not in ALLOWED[importer]
    ]
    assert forbidden == []


def test_only_the_top_imports_the_top() -> None:
    upward = [
        f"{place}: {importer} imports {imported}"
        for importer, imported, place in imports()
        if importer not in TOP and imported in TOP
    ]
    assert [line for line in upward if "__version__" not in line] == []


def test_every_package_has_its_place() -> None:
    packages = {path.name for path in (ROOT / "b2bua").iterdir() if path.is_dir() and path.name[0] != "_"}
    modules_ = {path.stem for path in (ROOT / "b2bua").glob("*.py")}
    assert packages | modules_ <= set(ALLOWED) | TOP


ALLOWED_IN_SIP = {
    "nameservers.py": "dns",  # dnspython: an own parser of DNS would be one more thing to attack
    "websocket.py": "websockets",  # its handshake, masking and fragments, without its sockets
}
"""File of b2bua.sip: the one package that it may import from outside the standard library."""


def test_the_sip_stack_needs_only_the_standard_library() -> None:
    import sys

    outside = set()
    for path in (ROOT / "b2bua" / "sip").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            known = {"b2bua", ALLOWED_IN_SIP.get(path.name, "")}
            outside |= {name.split(".")[0] for name in names} - sys.stdlib_module_names - known
    assert outside == set()
