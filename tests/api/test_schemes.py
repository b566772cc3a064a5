"""Rows F1, F12 and Q9: schemes and queues by HTTP, in the file and for the next call."""

from __future__ import annotations

import asyncio
import errno
import os
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from b2bua.demo.softphone import Habit
from tests.api.test_api import TAKES, Town, town
from tests.harness.office import DEMO, NUMBER

EDITOR = "the-token-of-whom-the-owner-trusts"
MANAGER = {"ring": ["101"], "for": "20s"}
SECOND = {"ring": ["102"], "for": "20s", "after": ["no-answer", "offline", "busy"]}
BACKUP = {"ring": ["+48600999888"], "for": "30s"}
BOX = {"voicemail": "sales"}
TO_BOX = '[[step]]\nvoicemail = "sales"\n'


@asynccontextmanager
async def editor(folder: Path, *, scheme: str = TO_BOX, config: str = "") -> AsyncIterator[Town]:
    """Give a town of which the program may edit."""
    async with town(folder, scheme=scheme, extra=f'edit-tokens = ["{EDITOR}"]\n', config=config) as run:
        run.http.headers["Authorization"] = f"Bearer {EDITOR}"
        yield run


def written(run: Town) -> str:
    return (run.demo.folder / "office.toml").read_text()


# --- row F1 ------------------------------------------------------------------------------------------------


async def test_row_f1_a_scheme_made_by_program_reads_back_identical_and_the_next_call_follows_it(
    tmp_path: Path,
) -> None:
    async with editor(
        tmp_path, scheme='[[step]]\nscheme = "flow"\n[[scheme.flow.step]]\nvoicemail = "sales"\n'
    ) as run:
        before = await asyncio.to_thread(written, run)
        piotr = await run.demo.phone("102", TAKES)
        flow = {"days": "mon-sun", "otherwise": "default", "steps": [MANAGER, SECOND, BACKUP, BOX]}
        made = await run.ask("PUT", "/v1/schemes/new-flow", flow, status=201)
        assert (made["scheme"], made["in_force"], made["warnings"]) == (flow, True, [])
        read = await run.ask("GET", "/v1/schemes/new-flow")
        assert read["scheme"] == flow
        assert read == {key: value for key, value in made.items() if key not in ("in_force", "warnings")}
        now = await asyncio.to_thread(written, run)
        assert now.startswith(before), "what people wrote stays"
        assert tomllib.loads(now)["scheme"]["new-flow"]["step"] == flow["steps"]
        changed = await run.ask("PATCH", "/v1/schemes/tested", {"steps": [{"scheme": "new-flow"}, BOX]})
        assert changed["in_force"] is True
        await (await run.demo.call_in(NUMBER)).answered(within=3)
        assert len(piotr.invitations) == 1


async def test_row_f1_an_edit_while_it_rings_leaves_that_call_and_holds_for_the_next(tmp_path: Path) -> None:
    async with editor(tmp_path, scheme='[[step]]\nring = ["101"]\n[[step]]\nvoicemail = "sales"\n') as run:
        anna, piotr = await run.demo.phone("101", Habit()), await run.demo.phone("102", TAKES)
        await run.demo.call_in(NUMBER)
        rung = await anna.invited(within=2)
        await run.ask("PUT", "/v1/schemes/tested", {"steps": [{"ring": ["102"]}, BOX]})
        await (await run.demo.call_in(NUMBER, from_number="+48500600701")).answered(within=2)
        assert not rung.over.done()
        assert len(piotr.invitations) == 1


async def test_row_f12_the_backup_is_told_and_an_edit_of_the_order_moves_it(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        await run.ask("PUT", "/v1/schemes/tested", {"steps": [MANAGER, BACKUP, SECOND, BOX]})
        wrong = await run.ask("GET", "/v1/schemes/tested")
        assert (wrong["backup"], [step["backup"] for step in wrong["order"]]) == (
            3,
            [False, False, True, False],
        )
        told = await run.ask("PUT", "/v1/schemes/tested/order", {"order": [1, 3, 2, 4]})
        assert told["scheme"]["steps"] == [MANAGER, SECOND, BACKUP, BOX]
        read = await run.ask("GET", "/v1/schemes/tested")
        assert read["backup"] == 3
        assert read["order"] == [
            {"step": 1, "does": "rings Anna Nowak (101) for 20 s", "backup": False},
            {
                "step": 2,
                "does": "rings Piotr Zieliński (102) for 20 s (only after busy or no-answer or offline)",
                "backup": False,
            },
            {"step": 3, "does": "rings +48600999888 for 30 s", "backup": True},
            {"step": 4, "does": "takes a message for mailbox sales", "backup": False},
        ]
        mobiles = await run.demo.mobiles(TAKES)
        await (await run.demo.call_in(NUMBER)).answered(within=3)
        [rung] = mobiles.invitations
        assert "+48600999888" in str(rung.invite.request.target), "both managers are off: the backup rings"
        for order in ([1, 2], [1, 1, 2, 3], [0, 1, 2, 3], ["1", 2, 3, 4], "1234", None, [True, 2, 3, 4]):
            error = await run.why("PUT", "/v1/schemes/tested/order", {"order": order})
            assert error["field"] == "order", order


async def test_row_f12_a_scheme_that_rings_the_same_people_again_has_no_backup(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        for steps in ([MANAGER, BOX], [MANAGER, MANAGER, BOX], [BOX]):
            assert (await run.ask("PUT", "/v1/schemes/tested", {"steps": steps}))["backup"] is None
        said = [MANAGER, {**SECOND, "backup": True}, BACKUP, BOX]
        told = await run.ask("PUT", "/v1/schemes/tested", {"steps": said})
        assert told["backup"] == 2, "which the owner says"


async def test_row_f1_schemes_are_listed_and_one_that_is_unused_is_removed(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        before = await asyncio.to_thread(written, run)
        made = await run.ask("POST", "/v1/schemes", {"name": "spare", "steps": [MANAGER, BOX]}, status=201)
        assert made["used_by"] == []
        assert (await run.why("POST", "/v1/schemes", {"name": "spare", "steps": [BOX]}, status=409))[
            "field"
        ] == "name"
        names = [scheme["name"] for scheme in (await run.ask("GET", "/v1/schemes"))["schemes"]]
        assert names[-1] == "spare"
        assert set(names) >= {"in-turn", "together", "menu", "queue", "tested"}
        gone = await run.ask("DELETE", "/v1/schemes/spare")
        assert gone == {"name": "spare", "removed": True, "in_force": True, "warnings": []}
        assert await asyncio.to_thread(written, run) == before
        assert (await run.why("DELETE", "/v1/schemes/spare", status=404))[
            "message"
        ] == "there is no scheme spare"


async def test_row_f1_a_scheme_that_is_used_is_not_removed_and_by_whom_is_told(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        before = await asyncio.to_thread(written, run)
        error = await run.why("DELETE", "/v1/schemes/tested", status=409)
        assert error["message"] == f'the scheme tested is still used by number."{NUMBER}".scheme'
        assert error["used_by"] == [f'number."{NUMBER}".scheme']
        assert await asyncio.to_thread(written, run) == before


async def test_row_f1_a_new_name_holds_wherever_the_scheme_is_named(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        before = await asyncio.to_thread(written, run)
        await run.ask("PATCH", "/v1/schemes/tested", {"days": "mon-fri", "otherwise": "default"})
        said = await run.ask("PUT", "/v1/schemes/default/name", {"name": "everybody-else"})
        assert said["used_by"] == ["office.default-scheme", "scheme.tested.otherwise"]
        assert said["in_force"] is True
        assert (await run.ask("PUT", "/v1/schemes/tested/name", {"name": "tested"}))["name"] == "tested"
        why = await run.why("PUT", "/v1/schemes/tested/name", {"name": "menu"}, status=409)
        assert why["message"] == "there is a scheme menu already"
        await run.ask("PUT", "/v1/schemes/everybody-else/name", {"name": "default"})
        await run.ask("PATCH", "/v1/schemes/tested", {"days": None, "otherwise": None})
        after = await asyncio.to_thread(written, run)
        assert after.replace("[scheme.tested]\n\n", "") == before, "also the comments"


async def test_row_s2_f1_conditions_on_the_load_are_put_and_a_queues_new_name_holds_in_them(
    tmp_path: Path,
) -> None:
    few = {"ring": ["+48600999888"], "when": ["waiting  in sales>=3", "free in anne < 1"], "confirm": "voice"}
    flow = {"when": "free in sales > 0", "otherwise": "default", "steps": [few, {"queue": "sales"}, BOX]}
    async with editor(tmp_path) as run:
        refused = await run.why("PUT", "/v1/schemes/flow", flow, status=422)
        assert "there is no queue, group or person 'anne'" in str(refused)
        few["when"] = ["waiting  in sales>=3", "free in 101 < 1"]
        assert (await run.ask("PUT", "/v1/schemes/flow", flow, status=201))["scheme"] == flow
        said = await run.ask("PUT", "/v1/queues/sales/name", {"name": "shop"})
        assert "scheme.flow.step.1.when.1" in said["used_by"]
        read = (await run.ask("GET", "/v1/schemes/flow"))["scheme"]
        assert read["when"] == "free in shop > 0"
        assert read["steps"][0]["when"] == ["waiting  in shop>=3", "free in 101 < 1"]


# --- what is refused ---------------------------------------------------------------------------------------


async def test_row_f1_what_the_checker_calls_an_error_is_refused_in_its_words(tmp_path: Path) -> None:
    mistakes: tuple[tuple[Any, str, str], ...] = (
        ([{"ring": ["nobody"]}, BOX], "scheme.tested.step.1.ring", "nobody"),
        ([{**MANAGER, "for": "soon"}, BOX], "scheme.tested.step.1.for", "'soon' is no duration"),
        ([MANAGER], "scheme.tested.step", "nothing follows"),
        ([{**MANAGER, "fro": "20s"}, BOX], "scheme.tested.step.1.fro", "did you mean"),
        ([{"say": "no-such-prompt"}, BOX], "scheme.tested.step.1.say", "there is no prompt"),
        ([{}, BOX], "scheme.tested.step.1", "expected exactly one of ring"),
    )
    async with editor(tmp_path) as run:
        before = await asyncio.to_thread(written, run)
        for steps, key, words in mistakes:
            error: dict[str, Any] = await run.why("PUT", "/v1/schemes/tested", {"steps": steps}, status=422)
            assert error["code"] == "refused"
            [problem] = error["problems"]
            assert problem["key"].startswith(key), (steps, problem)
            assert words in problem["message"], (steps, problem)
            assert problem["file"] == str(tmp_path / "office.toml")
            assert problem["line"] > 180
        assert await asyncio.to_thread(written, run) == before
        assert (await run.ask("GET", "/v1/schemes/tested"))["scheme"] == {"steps": [BOX]}


async def test_row_f1_a_warning_that_an_edit_brings_is_told_with_it(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        said = await run.ask("PUT", "/v1/schemes/tested", {"steps": [{**MANAGER, "for": "90s"}, BACKUP, BOX]})
        assert [
            (each["key"], each["message"]) for each in said["warnings"] if each["key"].startswith("scheme.")
        ] == [("scheme.tested.step.1.for", "90 s is unusual, 10 to 60 s are recommended")]
        again = await run.ask("PATCH", "/v1/schemes/tested", {"allow-dead-end": False})
        assert again["warnings"] == [], "that is known"


@pytest.mark.parametrize(
    "body",
    [
        {"steps": [{"ring": [None]}]},
        {"steps": None},
        {"steps": []},
        {"steps": "x"},
        {"days": {}},
        {"a\nb": "x"},
        {"hours": 2**70},
    ],
)
async def test_row_f1_what_cannot_stand_in_the_file_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async with editor(tmp_path) as run:
        assert (await run.why("PUT", "/v1/schemes/tested", body))["code"] == "invalid"
        odd = await run.http.put("/v1/schemes/tested", content=b'{"days": "\\ud800"}')
        assert (odd.status_code, odd.json()["error"]["code"]) == (400, "invalid")
        for name in ("a b", "x" * 61, "a.b"):
            assert (await run.why("PUT", f"/v1/schemes/{name}", {"steps": [BOX]}))["field"] == "name"


async def test_row_f1_only_a_token_for_editing_edits(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=TO_BOX) as run:
        before = await asyncio.to_thread(written, run)
        for method, path in (
            ("PUT", "/v1/schemes/tested"),
            ("PATCH", "/v1/schemes/tested"),
            ("DELETE", "/v1/schemes/tested"),
            ("POST", "/v1/schemes"),
            ("PUT", "/v1/schemes/tested/name"),
            ("PUT", "/v1/schemes/tested/order"),
            ("PUT", "/v1/queues/sales"),
        ):
            error = await run.why(method, path, {"steps": [BOX], "name": "x"}, status=403)
            assert error["message"].endswith("that is for edit-tokens of [api]")
        assert (await run.ask("GET", "/v1/schemes/tested"))["scheme"] == {"steps": [BOX]}
        assert await asyncio.to_thread(written, run) == before


# --- several at once ---------------------------------------------------------------------------------------


async def test_row_f1_an_edit_of_what_somebody_else_has_changed_is_refused(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        first = (await run.http.get("/v1/schemes/tested")).headers["etag"]
        headers = {"If-Match": first}
        path = "/v1/schemes/tested"
        answer = await run.http.put(path, json={"steps": [MANAGER, BOX]}, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["etag"] == (await run.http.get(path)).headers["etag"] != first
        for method, where, body in (
            ("PUT", path, {"steps": [BOX]}),
            ("PATCH", path, {"days": "mon"}),
            ("PUT", f"{path}/order", {"order": [2, 1]}),
            ("PUT", f"{path}/name", {"name": "other"}),
            ("DELETE", path, None),
        ):
            late = await run.http.request(method, where, json=body, headers=headers)
            assert (late.status_code, late.json()["error"]["code"]) == (412, "changed-meanwhile"), method
        assert (await run.ask("GET", path))["scheme"] == {"steps": [MANAGER, BOX]}
        only_new = await run.http.put(path, json={"steps": [BOX]}, headers={"If-None-Match": "*"})
        assert only_new.status_code == 412


async def test_row_f1_edits_that_come_together_are_carried_out_one_after_another(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        names = [f"flow-{number}" for number in range(8)]
        await asyncio.gather(
            *(run.ask("PUT", f"/v1/schemes/{name}", {"steps": [MANAGER, BOX]}, status=201) for name in names)
        )
        listed = {scheme["name"] for scheme in (await run.ask("GET", "/v1/schemes"))["schemes"]}
        assert listed >= set(names)
        assert tomllib.loads(await asyncio.to_thread(written, run))["scheme"].keys() == listed


async def test_row_f1_an_edit_counts_with_what_was_written_by_hand_just_before(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        read = await run.http.get("/v1/schemes/tested")
        path = tmp_path / "office.toml"
        text = await asyncio.to_thread(path.read_text)
        await asyncio.to_thread(
            path.write_text,
            text.replace(
                "[[scheme.tested.step]]",
                "[scheme.tested]\ndays = 'mon-sun'\notherwise = 'default'\n[[scheme.tested.step]]",
            ),
        )
        late = await run.http.put(
            "/v1/schemes/tested", json={"steps": [BOX]}, headers={"If-Match": read.headers["etag"]}
        )
        assert late.status_code == 412
        changed = await run.ask("PATCH", "/v1/schemes/tested", {"steps": [MANAGER, BOX]})
        assert changed["scheme"] == {"days": "mon-sun", "otherwise": "default", "steps": [MANAGER, BOX]}


# --- files -------------------------------------------------------------------------------------------------


async def test_row_f1_a_scheme_in_an_included_file_is_edited_there(tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    crlf = "# ours\r\n[[scheme.included.step]] # first\r\nvoicemail = 'sales'\r\n"
    await asyncio.to_thread(more.write_bytes, b"\xef\xbb\xbf" + crlf.encode())
    more.chmod(0o640)
    text = 'include = ["more.toml"]\n' + await asyncio.to_thread(DEMO.read_text)
    async with editor(tmp_path, config=text) as run:
        main = await asyncio.to_thread(written, run)
        said = await run.ask("PATCH", "/v1/schemes/included", {"steps": [MANAGER, BOX]})
        assert (said["file"], said["in_force"]) == (str(more), True)
        assert await asyncio.to_thread(written, run) == main
        raw = await asyncio.to_thread(more.read_bytes)
        new = '[[scheme.included.step]]\r\nring = ["101"]\r\nfor = "20s"\r\n\r\n'
        assert raw.decode() == f"\ufeff{new}{crlf}"
        assert more.stat().st_mode & 0o777 == 0o640
        await run.ask("PUT", "/v1/schemes/default/name", {"name": "included-too"})
        await run.ask("PATCH", "/v1/schemes/included", {"days": "mon", "otherwise": "included-too"})
        await run.ask("PUT", "/v1/schemes/included-too/name", {"name": "default"})
        assert b'otherwise = "default"\r\n' in await asyncio.to_thread(more.read_bytes), "both files changed"


async def test_row_f1_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with editor(tmp_path) as run:
        before, names = await asyncio.to_thread(written, run), sorted(os.listdir(tmp_path))
        fsync, link = os.fsync, tmp_path / "office.toml"

        def is_full(handle: int) -> None:
            if Path(f"/proc/self/fd/{handle}").readlink().suffix == ".new":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(handle)

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", is_full)
            error = await run.why("PUT", "/v1/schemes/tested", {"steps": [MANAGER, BOX]}, status=503)
        assert error["message"] == f"{link} cannot be written: No space left on device; nothing has changed"
        assert await asyncio.to_thread(written, run) == before
        assert sorted(os.listdir(tmp_path)) == names, "nothing is left behind"
        assert (await run.ask("PUT", "/v1/schemes/tested", {"steps": [MANAGER, BOX]}))["in_force"] is True


async def test_row_f1_a_file_that_is_broken_already_is_to_be_mended_first(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        path = tmp_path / "office.toml"
        text = await asyncio.to_thread(path.read_text)
        for broken in (f"{text}\n[queue", text.replace('agents = ["101"', 'agents = ["nobody"')):
            await asyncio.to_thread(path.write_text, broken)
            error: dict[str, Any] = await run.why(
                "PUT", "/v1/schemes/tested", {"steps": [BOX, BOX]}, status=409
            )
            assert "has a mistake already" in error["message"]
            assert error["problems"][0]["line"] > 1
            assert await asyncio.to_thread(path.read_text) == broken
        assert (await run.ask("GET", "/v1/schemes/tested"))["scheme"] == {"steps": [BOX]}, "which is in force"


async def test_row_f1_what_no_program_can_edit_without_harm_is_left_to_people(tmp_path: Path) -> None:
    async with editor(tmp_path) as run:
        path = tmp_path / "office.toml"
        text = await asyncio.to_thread(path.read_text)
        within = '[scheme]\ntested = { step = [{ voicemail = "sales" }] }'
        odd = text.replace('[[scheme.tested.step]]\nvoicemail = "sales"', within)
        assert odd != text
        await asyncio.to_thread(path.write_text, odd)
        error = await run.why("PUT", "/v1/schemes/tested", {"steps": [MANAGER, BOX]}, status=409)
        assert "cannot be edited as it is written there" in error["message"]
        assert "[scheme.tested]" in error["message"]
        assert await asyncio.to_thread(path.read_text) == odd


# --- row Q9 ------------------------------------------------------------------------------------------------


async def test_row_q9_every_notice_and_time_of_a_queue_is_put_and_read_back(tmp_path: Path) -> None:
    settings = {
        "agents": ["101", "102"],
        "strategy": "roundrobin",
        "announce-position": False,
        "announce-wait": True,
        "announce-every": "20s",
        "max-wait": "2m",
        "ring-for": "15s",
        "wrap-up": "5s",
        "music": "calm",
        "greeting": "welcome",
        "messages": ["queue-thanks", "closed"],
        "messages-every": "1m",
        "whisper": True,
    }
    async with editor(tmp_path) as run:
        said = await run.ask("PUT", "/v1/queues/sales", settings)
        assert (said["queue"], said["in_force"]) == (settings, True)
        assert said["used_by"] == ["scheme.queue.step.1.queue", "menu.main.options.2.queue"]
        assert (await run.ask("GET", "/v1/queues/sales"))["queue"] == settings
        spec = run.demo.server.plan.queues["sales"]
        assert (spec.announces_position, spec.announce_every_s, spec.max_wait_s) == (False, 20.0, 120.0)
        changed = await run.ask("PATCH", "/v1/queues/sales", {"announce-every": "45s", "wrap-up": None})
        del settings["wrap-up"]
        assert changed["queue"] == {**settings, "announce-every": "45s"}
        assert run.demo.server.plan.queues["sales"].announce_every_s == 45.0
        error = await run.why("PATCH", "/v1/queues/sales", {"announce-every": "1s"}, status=422)
        assert "queue.sales.announce-every" in error["message"]
        assert [queue["name"] for queue in (await run.ask("GET", "/v1/queues"))["queues"]] == ["sales"]
