"""What people type and what they read: row O7 and the first minutes with the program."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.config.files import demo_config
from b2bua.store import CallOutcome, NewCall, Store
from b2bua.store.running import AlreadyRunningError, is_running, running
from b2bua.store.trunk_states import KeptTrunkState
from tests.harness.soundfiles import write_sound
from tests.harness.web_server import web_server

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def says(*arguments: str, exit_code: int = 0) -> str:
    """Return what a command prints."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == exit_code, (result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def office(folder: Path, **replacements: str) -> str:
    """Return the path of a demo office of its own in ``folder``, with words replaced."""
    text = demo_config().read_text().replace('data = "data"', f'data = "{folder / "data"}"')
    for old, new in replacements.items():
        text = text.replace(f'{old} = "127.0.0.1', f'{old} = "{new}')
    path = folder / "office.toml"
    path.write_text(text)
    return str(path)


async def journal(folder: Path, *calls: tuple[str, CallOutcome]) -> None:
    """Let these callers have called, one an hour."""
    async with await Store.open(folder / "data") as store:
        for hour, (caller, outcome) in enumerate(calls):
            at = NOON + timedelta(hours=hour)
            await store.journal.begin(NewCall(f"c{hour}", caller, "", "+48221230001", "demo", at))
            await store.journal.end(f"c{hour}", outcome, at=at, why="nobody answered")


def test_before_the_first_call_the_journal_says_where_it_looked_and_makes_nothing(tmp_path: Path) -> None:
    assert f"there is no journal in {tmp_path / 'data'}" in says("calls", office(tmp_path))
    assert not (tmp_path / "data").exists()


def test_who_forgets_to_name_the_office_is_told_that_it_comes_first() -> None:
    for command in (("status", "anna", "away"), ("calls", "last"), ("override", "closed")):
        assert f"as in office.toml {command[1]}" in says(*command, exit_code=2)


def test_promises_are_listed_until_somebody_talked_however_many_calls_came_since(tmp_path: Path) -> None:
    promise, talked = CallOutcome.PROMISE, CallOutcome.TALKED
    served = [(f"+4850060071{index}", talked) for index in range(3)]
    asyncio.run(journal(tmp_path, ("+48500600701", promise), ("+48500600702", promise), *served))
    listed = says("calls", office(tmp_path), "--promises", "--limit", "2")
    assert [line.split("  ")[1] for line in listed.splitlines()] == ["+48500600701", "+48500600702"]


def test_a_promise_is_gone_from_the_list_when_somebody_talked_to_the_caller(tmp_path: Path) -> None:
    caller = "+48500600701"
    asyncio.run(journal(tmp_path, (caller, CallOutcome.PROMISE), (caller, CallOutcome.TALKED)))
    assert says("calls", office(tmp_path), "--promises") == "Nobody is owed a call back.\n"


def test_row_c10_a_promise_is_closed_by_hand_and_only_once(tmp_path: Path) -> None:
    promise = CallOutcome.PROMISE
    asyncio.run(journal(tmp_path, *((f"+4850060070{index}", promise) for index in range(3))))
    path = office(tmp_path)
    said = says("calls", path, "--called-back", "c1", "--why", "from my mobile")
    assert said == "+48500600701 was called back; 2 callers are still owed a call\n"
    said = says("calls", path, "--needs-no-call", "c0")
    assert said == "+48500600700 needs no call; one caller is still owed a call\n"
    assert "that was kept already: from my mobile" in says(
        "calls", path, "--needs-no-call", "c1", exit_code=1
    )
    assert "several calls have the id c" in says("calls", path, "--called-back", "c", exit_code=1)
    assert "nobody is owed a call for a call with the id x" in says(
        "calls", path, "--called-back", "x", exit_code=1
    )
    assert "+48500600702" in says("calls", path, "--promises")


def test_row_c10_c15_the_report_of_call_backs_is_what_became_of_seven_callers(tmp_path: Path) -> None:
    async def happened() -> None:
        promise, talked = CallOutcome.PROMISE, CallOutcome.TALKED
        now = datetime.now(UTC) - timedelta(hours=1)
        async with await Store.open(tmp_path / "data") as store:
            for index in range(7):
                call = NewCall(f"c{index}", f"+4850060070{index}", "", "+48221230001", "demo", now)
                await store.journal.begin(call)
                await store.journal.end(call.call_id, promise, at=now, why="hung up")
            for index, direction, minutes in ((0, "in", 3), (1, "out", 4), (2, "out", 6), (3, "out", 20)):
                number, ours = f"+4850060070{index}", "+48221230001"
                caller, dialled = (number, ours) if direction == "in" else ("101", number)
                at = now + timedelta(minutes=minutes)
                await store.journal.begin(NewCall(f"t{index}", caller, "", dialled, "", at, direction))
                await store.journal.end(f"t{index}", talked, at=at)
            by_id = {each.call_id: each for each in await store.promises.open()}
            await store.promises.drop(by_id["c4"].id, at=now, why="spam")
            await store.promises.plan_attempt(by_id["c5"], attempts=3, call_at=None)

    asyncio.run(happened())
    assert says("call-backs", office(tmp_path)).splitlines() == [
        "7 callers were missed",
        "3 called back, 60% of those who had to be",
        "1 called again themselves",
        "1 needed no call",
        "2 still owed a call",
        "half of those who were called back waited 6 min or less",
        "the office itself has called 3 times",
    ]
    told = json.loads(says("call-backs", office(tmp_path), "--json"))
    assert told[1]["seconds_owed"] == told[1]["seconds_to_contact"] == 240  # row C13
    assert told[6]["seconds_owed"] >= 3600
    assert [each["fate"] for each in told] == [
        "called again",
        *["called back"] * 3,
        "needs no call",
        *["owed"] * 2,
    ]
    assert [each["seconds_to_contact"] for each in told[:4]] == [180.0, 240.0, 360.0, 1200.0]
    assert [each["attempts"] for each in told[5:]] == [3, 0]


def test_the_example_office_needs_only_its_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    example = str(demo_config().with_name("example.toml"))
    names = ("SMTP_PASSWORD", "PROVIDER_PASSWORD", "ANNA_PASSWORD", "PIOTR_PASSWORD")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    missing = says("check", example, exit_code=2)
    assert all(f"the environment variable {name} is not set" in missing for name in names)
    night_without_passwords = says("explain", example, "--to", "+48221234567", "--at", "sat 21:00")
    for name in names:
        monkeypatch.setenv(name, "secret")
    assert "scheme night" in night_without_passwords
    night = says("explain", example, "--to", "+48221234567", "--at", "sat 21:00")
    assert "scheme night" in night


def test_q12_check_says_how_many_calls_fit(tmp_path: Path) -> None:
    said = says("check", office(tmp_path))
    assert "RTP ports 20000-29998 have room for 4999 callers who wait, or 2499 who talk" in said


def test_f15_check_says_what_it_has_walked_and_that_nobody_is_lost(tmp_path: Path) -> None:
    said = says("check", office(tmp_path))
    assert "36 cases of 8 numbers walked: 1 state of the opening hours" in said
    assert "Every caller ends with somebody, a message or a promise" in said


def test_f16_a_number_without_backup_is_red_and_other_warnings_are_not(tmp_path: Path) -> None:
    path = office(tmp_path)
    text = (
        Path(path)
        .read_text()
        .replace('["mobile of anna"]', '["101"]')
        .replace('["102"]\nfor', '["101"]\nfor')
    )
    Path(path).write_text(text)
    told = CliRunner().invoke(app, ["check", path], color=True).output.splitlines()
    [red] = [line for line in told if line.startswith("\x1b[31m")]
    assert 'number."+48221230001": no backup' in red
    assert any(line.startswith("\x1b[33m") and "queue.sales.max-wait" in line for line in told)


def test_i5_check_measures_the_greetings_that_are_really_there(tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    write_sound(folder / "menu-demo.wav", np.full(12 * 8000, 3000, np.int16), 8000, "pcm_s16le")
    greeting = np.full(14 * 8000, 3000, np.int16)
    write_sound(folder / "voicemail-greeting-working.wav", greeting, 8000, "pcm_s16le")
    path = Path(office(tmp_path))
    path.write_text(path.read_text().replace("[office]\n", f'[office]\nprompts = "{folder}"\n', 1))
    told = says("check", str(path))
    assert "menu.main.greeting: takes 12.0 s; callers hang up after 10 s" in told
    assert "office.prompts: 'voicemail-greeting-working' takes 14.0 s; 15 to 30 s are recommended" in told


@pytest.mark.parametrize(
    ("what_if", "said"),
    [
        ("--busy anna", "would ring Anna Nowak (101), but nobody is free: goes on at once"),
        ("--offline 101", "would ring Anna Nowak (101), but no phone is online: goes on at once"),
        ("--trunk-down demo-out", "would ring the mobile of Anna Nowak, but no trunk is up: goes on at once"),
        ("--trunk-down all", "would ring the mobile of Anna Nowak, but no trunk is up: goes on at once"),
    ],
)
def test_explain_answers_what_if(tmp_path: Path, what_if: str, said: str) -> None:
    assert said in says("explain", office(tmp_path), "--to", "+48221230001", *what_if.split())


def test_row_s2_explain_answers_what_if_callers_wait(tmp_path: Path) -> None:
    path = office(tmp_path)
    text = Path(path).read_text()
    busy = '[number."+48221239998"]\nscheme = "busy"\n[[scheme.busy.step]]\nring = ["+48600999888"]\n'
    busy += 'when = "waiting in sales > 3"\n[[scheme.busy.step]]\nvoicemail = "sales"\n'
    Path(path).write_text(text + busy)
    asked = ("explain", path, "--to", "+48221239998")
    assert "skips scheme.busy.step.1: it is not so that waiting in sales > 3" in says(*asked)
    assert "rings +48600999888 for 20 s" in says(*asked, "--waiting", "sales=4")
    assert "there is no queue sale" in says(*asked, "--waiting", "sale=4", exit_code=2)
    assert 'expected for example "sales=4"' in says(*asked, "--waiting", "sales", exit_code=2)


def test_explain_knows_who_and_what_there_is(tmp_path: Path) -> None:
    asked = ("explain", office(tmp_path), "--to", "+48221230001")
    assert "there is no trunk nowhere" in says(*asked, "--trunk-down", "nowhere", exit_code=2)
    assert "nobody is called eva" in says(*asked, "--busy", "eva", exit_code=2)


def test_a_taken_port_is_told_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        path = office(tmp_path)
        text = Path(path).read_text().replace(":5060", f":{taken.getsockname()[1]}")
        Path(path).write_text(text)
        said = says("run", path, exit_code=1)
    assert "another program listens there" in said.splitlines()[-1]
    assert "[sip] listen" in said.splitlines()[-1]


@pytest.mark.parametrize(("key", "setting"), [("listen", "[sip] listen"), ("address", "[rtp] address")])
def test_an_address_that_is_not_ours_is_told_at_the_start(tmp_path: Path, key: str, setting: str) -> None:
    said = says("run", office(tmp_path, **{key: "198.51.100.1"}), exit_code=1)
    assert f"this machine has no such address; change {setting}" in said


def test_check_warns_of_addresses_that_are_not_of_this_machine_and_of_a_missing_ip_version(
    tmp_path: Path,
) -> None:
    path = Path(office(tmp_path))
    text = path.read_text()
    path.write_text(text.replace('address = "127.0.0.1"', 'address = ["127.0.0.1", "2001:db8::77"]'))
    said = says("check", str(path))
    assert "rtp.address: cannot receive at 2001:db8::77: this machine has no such address" in said
    assert "change [rtp] address" in said
    path.write_text(
        text.replace('listen = "127.0.0.1:5060"', 'listen = ["127.0.0.1:5060", "[2001:db8::77]"]')
    )
    said = says("check", str(path))
    assert "sip.listen: cannot receive at 2001:db8::77" in said
    assert "rtp.address: has no IPv6 address, but `listen` of [sip] has" in said
    path.write_text(text)
    assert ": cannot receive at" not in says("check", str(path))


@pytest.mark.parametrize(
    ("rtp", "why"),
    [
        ('address = ["192.0.2.1", "192.0.2.2"]', "expected one address, or one of IPv4 and one of IPv6"),
        ('address = "::"', "'::' is no address to send to"),
        ('address = "pbx.local"', "'pbx.local' is no IP address"),
        ("address = []", "expected one address"),
        ('public-address = "2001:db8::5"', "`address` has none of IPv6"),
        ('address = "ff02::1"', "is no address to send to"),
    ],
)
def test_addresses_of_sound_that_cannot_work_are_refused_in_words(tmp_path: Path, rtp: str, why: str) -> None:
    path = Path(office(tmp_path))
    key = rtp.split(" ")[0]
    text = path.read_text().replace(
        'address = "127.0.0.1"\n', "" if key == "address" else 'address = "127.0.0.1"\n'
    )
    path.write_text(text.replace("[rtp]\n", f"[rtp]\n{rtp}\n"))
    said = says("check", str(path), exit_code=2)
    assert f"rtp.{key}: " in said
    assert why in said


def test_sound_cannot_be_received_at_every_address_at_once(tmp_path: Path) -> None:
    said = says("check", office(tmp_path, address="0.0.0.0"), exit_code=2)
    assert "rtp.address: '0.0.0.0' is no address to send to" in said


PROVIDER = """
[trunk.provider]
registrar = "sip.provider.example"
username = "u"
password = "p"

[trunk.watched]
host = "192.0.2.7"
qualify-every = "30s"
"""


def with_provider(folder: Path) -> str:
    """Return the path of a demo office that also has watched trunks."""
    path = Path(office(folder))
    path.write_text(path.read_text() + PROVIDER)
    return str(path)


async def trunk_news(folder: Path, *states: KeptTrunkState) -> None:
    async with await Store.open(folder / "data") as store:
        for state in states:
            store.trunk_states.keep(state)


def test_d11_trunks_are_told_with_state_since_when_and_what_is_wrong(tmp_path: Path) -> None:
    config = with_provider(tmp_path)
    asyncio.run(
        trunk_news(
            tmp_path,
            KeptTrunkState("provider", "trying", NOON, "sip.provider.example", ""),
            KeptTrunkState(
                "provider", "failed", NOON, "sip.provider.example", "the provider does not answer"
            ),
            KeptTrunkState("provider", "registered", NOON, "sip.provider.example", ""),
            KeptTrunkState("watched", "silent", NOON, "192.0.2.7", "udp:192.0.2.7:5060 does not answer"),
        )
    )
    with running(tmp_path / "data"):
        lines = says("trunks", config).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["demo", "demo-out", "provider", "watched"]
    assert "not watched" in lines[0]
    assert lines[2] == "provider  registered with sip.provider.example since 2026-11-23 13:00:00"
    assert lines[3] == (
        "watched   silent (192.0.2.7) since 2026-11-23 13:00:00: udp:192.0.2.7:5060 does not answer"
    )


def test_trunks_of_an_office_that_does_not_run_are_said_to_be_old_news(tmp_path: Path) -> None:
    config = with_provider(tmp_path)
    assert says("trunks", config).startswith("The office does not run, and has never run with")
    assert not (tmp_path / "data").exists()
    asyncio.run(trunk_news(tmp_path))
    told = says("trunks", config).splitlines()
    assert told[0] == "The office does not run. When it last did:"
    assert told[3] == "provider  not tried yet"


def test_whether_an_office_runs_is_known_even_after_a_crash(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with running(tmp_path):
        assert is_running(tmp_path)
        assert is_running(tmp_path)
        with pytest.raises(AlreadyRunningError), running(tmp_path):
            pass
        assert is_running(tmp_path)
    assert (tmp_path / "running.lock").exists(), "it stays, also after a crash"
    assert not is_running(tmp_path)


async def open_calls(folder: Path) -> list[CallOutcome | None]:
    """Return how the calls in the journal ended; None: they have not."""
    async with await Store.open(folder / "data") as store:
        return [call.outcome for call in await store.journal.calls()]


def test_a_second_start_by_mistake_leaves_the_calls_of_the_office_that_runs_alone(tmp_path: Path) -> None:
    async def call() -> None:
        async with await Store.open(tmp_path / "data") as store:
            await store.journal.begin(NewCall("c1", "+48500600701", "", "+48221230001", "demo", NOON))

    asyncio.run(call())
    with running(tmp_path / "data"):
        told = says("run", office(tmp_path), exit_code=1)
        assert f"an office runs already with its data in {tmp_path / 'data'}" in told
    assert asyncio.run(open_calls(tmp_path)) == [None], "it is no promise: they talk"


async def leave(folder: Path, *boxes: str) -> None:
    """Let messages of 65 seconds be left in these mailboxes, one an hour."""
    async with await Store.open(folder / "data") as store:
        for hour, box in enumerate(boxes):
            at = NOON + timedelta(hours=hour)
            await store.journal.begin(NewCall(f"a{hour}", "+48500600700", "Jan", "+48221230001", "demo", at))
            path = folder / "data" / "voicemail" / box / f"{hour}.wav"
            await store.messages.begin(f"a{hour}", box, path, at)
            await store.messages.finish(f"a{hour}", 65.0, at)


async def delete(folder: Path, call_id: str) -> None:
    async with await Store.open(folder / "data") as store:
        [message] = await store.messages.named(call_id)
        await store.messages.delete(message.id, at=NOON)


def test_messages_are_listed_with_mailbox_time_caller_length_state_and_file(tmp_path: Path) -> None:
    asyncio.run(leave(tmp_path, "sales", "night"))
    first, second = says("messages", office(tmp_path)).splitlines()
    file = tmp_path / "data" / "voicemail" / "sales" / "0.wav"
    assert first.split("  ") == [
        *("a0", "2026-11-23 13:00:00", "sales", "+48500600700 Jan", "1 min 5 s", "new", str(file)),
    ]
    assert second.split("  ")[:3] == ["a1", "2026-11-23 14:00:00", "night"]
    assert says("messages", office(tmp_path), "--mailbox", "night").splitlines() == [second]


def test_a_message_is_marked_as_heard_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    asyncio.run(leave(tmp_path, "sales", "sales"))
    assert "  heard  " in says("messages", office(tmp_path), "--heard", "a1")
    listed = says("messages", office(tmp_path)).splitlines()
    assert [line.split("  ")[5] for line in listed] == ["new", "heard"]
    assert "several messages have the id a" in says("messages", office(tmp_path), "--heard", "a", exit_code=1)
    assert "no message has the id b" in says("messages", office(tmp_path), "--heard", "b", exit_code=1)


def test_a_deleted_message_is_listed_when_asked_for_and_says_where_its_recording_is(tmp_path: Path) -> None:
    asyncio.run(leave(tmp_path, "sales"))
    asyncio.run(delete(tmp_path, "a0"))
    assert says("messages", office(tmp_path)) == "No messages.\n"
    listed = says("messages", office(tmp_path), "--all")
    assert "  deleted  " in listed
    assert "0.wav" in listed


def test_before_the_first_message_it_is_said_where_we_looked(tmp_path: Path) -> None:
    assert f"there is no journal in {tmp_path / 'data'}" in says("messages", office(tmp_path))
    assert not (tmp_path / "data").exists()


def test_row_q10_check_names_each_own_sound_file_that_cannot_be_played(tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    (folder / "music").mkdir(parents=True)
    good = demo_config().parent.parent / "prompts" / "en" / "welcome.wav"
    (folder / "welcome.wav").write_bytes(good.read_bytes())
    (folder / "readme.txt").write_text("not a sound")
    path = Path(office(tmp_path))
    path.write_text(path.read_text().replace("[office]\n", f'[office]\nprompts = "{folder}"\n', 1))
    assert "no errors" in says("check", str(path))
    (folder / "queue-welcome.mp3").write_bytes(b"no sound at all")
    (folder / "music" / "calm.ogg").write_bytes(b"")
    told = says("check", str(path), exit_code=1)
    assert f"{folder}/queue-welcome.mp3: cannot be read as sound" in told
    assert f"{folder}/music/calm.ogg: cannot be read as sound" in told
    assert "2 errors" in told


def test_row_r10_explain_asks_a_webhook_only_when_it_is_told_to(tmp_path: Path) -> None:
    path = Path(office(tmp_path))
    with web_server(lambda _: "+48600111222") as server:
        step = '[[scheme.out.step]]\nwebhook = "region"\n[[scheme.out.step]]\nvoicemail = "sales"\n'
        table = f'[webhook.region]\nurl = "{server.url}/go"\nmethod = "GET"\n'
        path.write_text(f'{path.read_text()}\n[number."+48221239999"]\nscheme = "out"\n{step}{table}')
        question = ("explain", str(path), "--to", "+48221239999", "--from", "500600700")
        assert "below is what follows without an answer" in says(*question)
        assert server.asked == []
        assert "asked now, it says: rings +48600111222 for 45 s" in says(*question, "--ask")
        assert server.asked[0].startswith("/go?caller=%2B48500600700&")


@pytest.mark.parametrize(
    ("more", "prompt", "told", "goes_on"),
    [
        ("", "goodbye", "asked now, it has the caller hear goodbye 120", False),
        ("", "farewell", "asked now, it wants to say 'farewell', which is no prompt here", True),
        ("digits = 5", "goodbye", "it cannot be asked without what the caller enters", True),
    ],
)
def test_row_i21_explain_ends_where_a_webhook_has_said_all_and_asks_none_that_needs_digits(
    tmp_path: Path, more: str, prompt: str, told: str, *, goes_on: bool
) -> None:
    path = Path(office(tmp_path))
    with web_server(lambda _: f'{{"say": ["{prompt}", 120]}}') as server:
        step = '[[scheme.out.step]]\nwebhook = "balance"\n[[scheme.out.step]]\nvoicemail = "sales"\n'
        table = f'[webhook.balance]\nurl = "{server.url}/go"\n{more}\n'
        path.write_text(f'{path.read_text()}\n[number."+48221239999"]\nscheme = "out"\n{step}{table}')
        said = says("explain", str(path), "--to", "+48221239999", "--from", "500600700", "--ask")
        assert told in said
        assert ("takes a message" in said) == goes_on
        assert (server.asked == []) == bool(more)


def test_row_r7_explain_asks_the_crm_too(tmp_path: Path) -> None:
    path = Path(office(tmp_path))
    with web_server(lambda path: '{"owner": "3"}' if path == "/c/48500600700" else 404) as server:
        table = f'[crm]\nkind = "http"\nurl = "{server.url}"\n'
        table += '[crm.find.contact]\npath = "/c/{digits}"\nuser = "owner"\n'
        steps = '[[scheme.out.step]]\ncrm = "responsible"\n[[scheme.out.step]]\nvoicemail = "sales"\n'
        people = path.read_text().replace("[person.olena]", "[person.olena]\ncrm-user = 3")
        path.write_text(f'{people}\n[number."+48221239999"]\nscheme = "out"\n{steps}{table}')
        question = ("explain", str(path), "--to", "+48221239999")
        told = says(*question, "--from", "500600700")
        assert "asks the CRM who is responsible (contact), for 1.5 s at most" in told
        assert server.asked == []
        told = says(*question, "--from", "500600700", "--ask")
        assert "asked now, it says: rings Olena Kovalenko (103) for 30 s" in told
        told = says(*question, "--from", "500600701", "--ask")
        assert "asked now, it knows nobody who is responsible" in told
        assert "it cannot be asked without a caller: add --from" in says(*question, "--ask")


def test_row_f12_schemes_are_told_in_order_with_their_backup(tmp_path: Path) -> None:
    path = office(tmp_path)
    told = says("schemes", path, "in-turn")
    assert told.splitlines() == [
        'in-turn  (used by number."+48221230001".scheme)',
        "  1. rings Anna Nowak (101) for 20 s",
        "  2. rings Piotr Zieliński (102) for 20 s",
        "  3. rings the mobile of Anna Nowak for 20 s  (backup)",
        "  4. takes a message for mailbox sales",
    ]
    assert told.strip() in says("schemes", path)
    one = json.loads(says("schemes", path, "in-turn", "--json"))
    assert (one["backup"], one["scheme"]["steps"][2]["ring"]) == (3, ["mobile of anna"])
    assert one in json.loads(says("schemes", path, "--json"))["schemes"]
    assert "there is no scheme nothing" in says("schemes", path, "nothing", exit_code=2)
    days = 'days = "mon-fri"\notherwise = "voicemail"\n\n[[scheme.in-turn.step]]'
    text = Path(path).read_text().replace("[[scheme.in-turn.step]]", f"[scheme.in-turn]\n{days}", 1)
    Path(path).write_text(text)
    assert says("schemes", path, "in-turn").startswith("in-turn, mon-fri, else voicemail  (used by ")


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("[person.anna]\nname = Anna Nowak\n", "this is not TOML"),
        ("[person.anna]\nmobile = 600\n", "person.anna.mobile: expected text in quotes"),
        ('[person.anna\nname = "Anna Nowak"\n', "this is not TOML"),
        ('[group.sales]\nmembers = ["nobody"]\n', "there is no person or group 'nobody'"),
    ],
)
def test_what_the_office_keeps_can_be_read_while_its_file_is_broken(
    tmp_path: Path, mistake: str, told: str
) -> None:
    asyncio.run(journal(tmp_path, ("+48500600701", CallOutcome.PROMISE)))
    path = tmp_path / "office.toml"
    people = '[person.piotr]\nextension = "102"\n'
    first = f'[office]\ndata = "{tmp_path / "data"}"\n\n'
    path.write_text(f'{first}{mistake}\n{people}\n[trunk.out]\nhost = "192.0.2.1"\n')
    for command in (("calls",), ("calls", "--promises"), ("calls", "--show", "last")):
        result = CliRunner().invoke(app, [command[0], str(path), *command[1:]])
        assert result.exit_code == 0, result.output
        assert "+48500600701" in result.stdout
        assert told in result.stderr
        assert f"{path} cannot be used as it is; what follows is kept in {tmp_path / 'data'}" in result.stderr
    for name in ("messages", "costs", "missed", "trunks", "status", "override"):
        says(name, str(path))
    assert "Piotr is away" in says("status", str(path), "piotr", "away")
    for name in ("timeline", "schemes", "run"):
        assert "cannot be used as it is" not in says(name, str(path), exit_code=2)
    says("override", str(path), "closed", exit_code=2)


@pytest.mark.parametrize("office_table", ["[office]\ndata = 5\n", "[office]\ndata = x\n", "[ofice]\n", ""])
def test_where_it_keeps_that_is_not_guessed(tmp_path: Path, office_table: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f"{office_table}[person.anna]\nmobile = 600\n")
    assert "kept in" not in says("calls", str(path), exit_code=2)


def test_who_does_not_name_the_office_that_lies_here_is_told_that_it_is_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = "this is the demo office; yours is meant by naming it: office.toml"
    assert told not in says("calls")
    (tmp_path / "office.toml").write_text("[office]\n")
    assert told in says("calls")
    assert told in says("schemes")
    assert told not in says("calls", "office.toml")
