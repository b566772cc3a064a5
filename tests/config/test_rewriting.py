"""Row F1: a program edits a scheme in a text that people wrote, and all else stays letter by letter."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.config import rewriting
from b2bua.config.blocks import blocks
from tests.harness.office import DEMO

SALES = ("scheme", "sales")
OFFICE = '''# ours since 2019
[office]
country = "PL"   # where numbers are read

# --- who takes the calls ---

# Anna first
[scheme.sales]   # the main one
days = "mon-fri"    # not on saturdays

# whoever is at the desk
[[scheme.sales.step]]
ring = ["anna"]
for = "20s"         # four rings
# mode = "together"

# --- then outside ---

[[scheme.sales.step]]
ring = [
    "+48600999888",  # the boss
]
after = ["offline"]

[[scheme.sales.step]]  # the last
voicemail = "sales"

# --- another one ---

[[scheme.other.step]]
say = """
[scheme.sales]
days = "sun" """
'''
ANNA, BOSS, BOX = (dict(step) for step in tomllib.loads(OFFICE)["scheme"]["sales"]["step"])


def put(content: dict[str, Any], text: str = OFFICE) -> str:
    """Return the text with that scheme, which TOML reads as it was meant, and nothing else otherwise."""
    fresh = rewriting.put(text, SALES, content)
    expected = tomllib.loads(text)
    expected.setdefault("scheme", {})["sales"] = content
    assert tomllib.loads(fresh) == expected
    return fresh


def test_row_f1_what_stays_as_it_is_changes_no_letter() -> None:
    assert put({"days": "mon-fri", "step": [ANNA, BOSS, BOX]}) == OFFICE


def test_row_f1_steps_in_another_order_take_their_comments_along() -> None:
    fresh = put({"days": "mon-fri", "step": [BOSS, ANNA, BOX]})
    anna, boss = OFFICE.index("# whoever"), OFFICE.index("[[scheme.sales.step]]\nring = [\n")
    anna_block = OFFICE[anna : OFFICE.index("\n\n# --- then")]
    boss_block = OFFICE[boss : OFFICE.index("\n\n[[scheme.sales.step]]  # the last")]
    assert fresh == OFFICE.replace(anna_block, "?").replace(boss_block, anna_block).replace("?", boss_block)


def test_row_f1_a_value_changes_in_its_line_and_keeps_the_comment_there() -> None:
    fresh = put({"days": "mon-sat", "step": [{**ANNA, "for": "25s"}, BOSS, BOX]})
    assert fresh == OFFICE.replace("mon-fri", "mon-sat").replace("20s", "25s")


def test_row_f1_a_new_step_and_a_step_that_is_gone_leave_the_others_alone() -> None:
    ivan = {"ring": ["ivan", 'a "friend"'], "mode": "together"}
    fresh = put({"days": "mon-fri", "step": [ANNA, BOSS, ivan, BOX]})
    written = '[[scheme.sales.step]]\nring = ["ivan", "a \\"friend\\""]\nmode = "together"\n\n'
    assert fresh.replace(written, "") == OFFICE
    assert put({"days": "mon-fri", "step": [ANNA, BOSS, BOX]}, fresh) == OFFICE
    short = put({"days": "mon-fri", "step": [ANNA, BOX]})
    assert "# --- then outside ---" in short
    assert "# four rings" in short
    assert "the boss" not in short


def test_row_f1_a_scheme_that_is_new_stands_below_the_others() -> None:
    fresh = rewriting.put(OFFICE, ("scheme", "нова"), {"hours": "office", "step": [BOX, {"echo": True}]})
    added = (
        '\n[scheme."нова"]\nhours = "office"\n\n[[scheme."нова".step]]\nvoicemail = "sales"\n\n'
        '[[scheme."нова".step]]\necho = true\n'
    )
    assert fresh == OFFICE + added
    assert rewriting.remove(fresh, ("scheme", "нова")) == OFFICE


def test_row_f1_a_scheme_that_is_removed_leaves_the_comments_around_it() -> None:
    fresh = rewriting.remove(OFFICE, SALES)
    assert "sales" not in tomllib.loads(fresh)["scheme"]
    for kept in ("# ours since 2019", "# where numbers", "# --- who takes", "# --- then", "# --- another"):
        assert kept in fresh
    assert "# the last" not in fresh


def test_row_f1_a_scheme_is_renamed_in_its_headers_alone() -> None:
    fresh = rewriting.rename(OFFICE, SALES, "shop")
    assert tomllib.loads(fresh)["scheme"].keys() == {"shop", "other"}
    assert fresh.replace("[scheme.shop", "[scheme.sales") == OFFICE


def test_row_f1_steps_within_brackets_stay_within_brackets() -> None:
    text = '[scheme.sales]\nstep = [ { voicemail = "sales" } ]  # all there is\n'
    fresh = put({"step": [ANNA, BOX], "days": "mon"}, text)
    assert "# all there is" in fresh
    assert "[[" not in fresh


def test_row_f1_a_name_changes_wherever_it_stands() -> None:
    text = DEMO.read_text()
    for key in (("menu", "main", "options", "2", "queue"), ("scheme", "queue", "step", 0, "queue")):
        fresh = rewriting.set_value(text, key, "shop")
        changed = [
            (old, new) for old, new in zip(text.split("\n"), fresh.split("\n"), strict=True) if old != new
        ]
        assert [new for _, new in changed] == [old.replace("sales", "shop") for old, _ in changed]
        assert len(changed) == 1


def test_blocks_of_a_text_are_its_headers_with_their_comments() -> None:
    lines = OFFICE.split("\n")
    shown = {block.path: lines[block.first : block.end] for block in blocks(OFFICE)}
    assert list(shown) == [
        ("office",),
        ("scheme", "sales"),
        ("scheme", "sales", "step", 0),
        ("scheme", "sales", "step", 1),
        ("scheme", "sales", "step", 2),
        ("scheme", "other", "step", 0),
    ]
    assert shown["office",][0] == "# ours since 2019"
    assert shown["scheme", "sales"] == lines[6:9]
    assert shown["scheme", "sales", "step", 0][-1] == '# mode = "together"'


values = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3),
)
keys = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=6).filter(
    lambda key: key != "step"
)
steps = st.lists(
    st.one_of(st.sampled_from([ANNA, BOSS, BOX]), st.dictionaries(keys, values, max_size=3)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25)
@given(head=st.dictionaries(keys, values, max_size=3), first=steps, second=steps)
@pytest.mark.parametrize("line_end", ["\n", ""])
def test_row_f1_whatever_is_put_is_read_back_and_other_lines_stay(
    head: dict[str, Any], first: list[dict[str, Any]], second: list[dict[str, Any]], line_end: str
) -> None:
    text = OFFICE.rstrip("\n") + line_end
    once = put({**head, "step": first}, text)
    twice = put({"days": "mon-fri", "step": second}, once)
    again = put({**head, "step": first}, twice)
    for fresh in (once, twice, again):
        before, after = text.partition("# Anna first")[0], text.partition("# --- another one")[2]
        assert fresh.startswith(before)
        assert fresh.endswith(after)
        assert "# --- then outside ---" in fresh


@settings(max_examples=25)
@given(content=st.dictionaries(keys, values, max_size=3), name=keys)
def test_row_f1_a_table_is_added_to_any_text_and_removed_without_a_trace(
    content: dict[str, Any], name: str
) -> None:
    for text in (OFFICE, "", "x = 1\n", DEMO.read_text()):
        table = ("queue", f"new-{name}")
        fresh = rewriting.put(text, table, content)
        assert tomllib.loads(fresh)["queue"][table[1]] == content
        assert rewriting.remove(fresh, table).rstrip("\n") == text.rstrip("\n")
