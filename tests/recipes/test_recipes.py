"""Row F28: each recipe is called, and does with its callers what the articles promise, second by second."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.proof import prove
from b2bua.demo.softphone import Habit, Softphone
from b2bua.recipes.answers import SAMPLE
from b2bua.recipes.head import head
from b2bua.recipes.recipe import MARKER, folder, recipe, recipes
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.handler import always, refuses
from tests.harness.hearing import Hearing
from tests.harness.office import CALLER, MONDAY_NOON, Office
from tests.harness.pipedrive import TOKEN, Pipedrive, person
from tests.harness.recipes import ANSWERS, BACKUP, MOBILE_A, MOBILE_B, NUMBER, phones, recipe_office, rung

SILENT = Habit()
TAKES_IT = Habit(answers_after=2)
NAMES = (
    *("all-at-once", "crm", "flagship", "holiday", "menu"),
    *("one-by-one", "other-pbx", "queue", "webhook"),
)
PBX = "127.0.0.9"
CRM = {"url": "https://office.pipedrive.com", "token": TOKEN}
DUTY = {
    "christmas": (datetime(2026, 12, 25, 11, 0, tzinfo=UTC), "Piotr Zieliński"),
    "saturday": (datetime(2026, 11, 28, 11, 0, tzinfo=UTC), "Piotr Zieliński"),
    "the saturday after": (datetime(2026, 12, 5, 11, 0, tzinfo=UTC), "Anna Nowak"),
}
"""When, and who is on duty: each for a week."""
NIGHT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
SATURDAY_NIGHT = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVIDER_PASSWORD", "ANNA_PASSWORD", "PIOTR_PASSWORD", "CRM_TOKEN", "PBX_PASSWORD"):
        monkeypatch.setenv(name, "correct horse")


def test_f28_there_are_the_eight_recipes_and_the_flagship() -> None:
    assert tuple(each.name for each in recipes()) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("secrets")
def test_f28_each_shipped_file_is_beyond_reproach_and_loses_nobody(name: str) -> None:
    config = load_config(folder() / f"{name}.toml")
    assert lint(config) == ()
    proof = prove(config, config.plan(), MONDAY_NOON)
    assert proof.drops_nobody
    assert proof.faults == ()


@pytest.mark.parametrize("name", NAMES)
def test_f28_the_shipped_file_is_what_would_be_written_for_the_sample(name: str) -> None:
    text = (folder() / f"{name}.toml").read_text(encoding="utf-8")
    assert text == recipe(name).written(SAMPLE)
    before, marker, _ = text.partition(MARKER)
    assert marker
    assert before.endswith(f"\n{head(SAMPLE, recipe(name).body)}\n")


def test_f28_what_a_recipe_is_told_stands_where_the_sample_stood() -> None:
    told = {"pbx": "100.example", "pbx-user": "b2bua", "pbx-password": 'a"b\\c', "pbx-number": "pbx.example"}
    text = recipe("other-pbx").written(ANSWERS, told)
    assert 'ring = "sip:pbx.example@100.example"' in text
    assert 'password = "a\\"b\\\\c"' in text


# --- one after another --------------------------------------------------------------------------------------


async def voicemail(run: Office, *, within: float) -> float:
    """Call, wait for the voicemail and hang up; return after how many seconds it answered."""
    began = run.now
    leg = await (await run.call_in(NUMBER)).answered(within=within)
    answered = round(run.now - began, 1)
    await asyncio.sleep(1)
    leg.hang_up()
    return answered


@virtual_time(limit_s=600)
async def test_f28_f5_one_by_one_at_0_20_and_40_and_voicemail_at_60(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "one-by-one") as run:
        await phones(run, SILENT, SILENT)
        await run.mobiles(SILENT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=80)
        held = run.now - began  # the line is answered before its carrier gives up, and goes on ringing
        await asyncio.sleep(66 - held)
        leg.hang_up()
        assert run.times("INVITE", to_port=5201, since=began) == [pytest.approx(0.0, abs=0.1)]
        assert run.times("INVITE", to_port=5202, since=began) == [pytest.approx(20.0, abs=0.2)]
        assert rung(run, BACKUP, since=began) == [pytest.approx(40.0, abs=0.3)]
        [only] = await run.stories()
        assert "was asked to leave a message (office)" in story(only)


@virtual_time(limit_s=600)
async def test_f28_r1_one_by_one_begins_with_who_talked_with_the_caller_today(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "one-by-one") as run:
        await phones(run, SILENT, TAKES_IT)
        leg = await (await run.call_in(NUMBER)).answered(within=30)
        await asyncio.sleep(2)
        leg.hang_up()
        await run.stories()
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=30)
        assert run.now - began == pytest.approx(2.0, abs=0.2)
        leg.hang_up()


@virtual_time(limit_s=600)
async def test_f28_f8_all_at_once_then_all_mobiles_then_voicemail(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "all-at-once") as run:
        await phones(run, SILENT, SILENT)
        await run.mobiles(SILENT)
        began = run.now
        assert await voicemail(run, within=60) == pytest.approx(40.0, abs=0.3)
        for port in (5201, 5202):
            assert run.times("INVITE", to_port=port, since=began) == [pytest.approx(0.0, abs=0.1)]
        for number in (MOBILE_A, MOBILE_B, BACKUP):
            assert rung(run, number, since=began) == [pytest.approx(20.0, abs=0.2)]


# --- somebody else decides ----------------------------------------------------------------------------------


@virtual_time(limit_s=600)
async def test_f28_f11_the_other_pbx_has_30_s_and_then_the_backup(tmp_path: Path) -> None:
    told = {"pbx": PBX, "pbx-user": "b2bua", "pbx-password": "secret", "pbx-number": "300"}
    async with recipe_office(tmp_path, "other-pbx", told=told) as run:
        pbx = await run.softphone("the other PBX", 5060, host=PBX)
        await run.mobiles(TAKES_IT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=40)
        [invited] = pbx.invitations
        assert str(invited.invite.request.target) == f"sip:300@{PBX}"
        assert rung(run, BACKUP, since=began) == [pytest.approx(30.0, abs=0.3)]
        await asyncio.sleep(2)
        leg.hang_up()
        [only] = await run.stories()
        assert "talked with +48600999888" in story(only)


@virtual_time(limit_s=600)
async def test_f28_r6_the_crm_rings_who_is_responsible_for_30_s_then_all_then_mobiles(tmp_path: Path) -> None:
    crm = Pipedrive(users=[{"id": 3, "email": "anna@office.example"}], persons=[person(1, CALLER, 3)])
    async with recipe_office(tmp_path, "crm", told=CRM, http=crm) as run:
        await phones(run, SILENT, SILENT)
        await run.mobiles(SILENT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=80)
        await asyncio.sleep(75 - (run.now - began))
        leg.hang_up()
        first, second = run.times("INVITE", to_port=5201, since=began)
        assert first < 1.5
        assert second == pytest.approx(first + 30, abs=0.3)
        assert run.times("INVITE", to_port=5202, since=began) == [second]
        assert rung(run, MOBILE_B, since=began) == [pytest.approx(first + 50, abs=0.4)]
        [only] = await run.stories()
        assert "was asked to leave a message (office)" in story(only)


@virtual_time(limit_s=600)
async def test_f28_r9_a_new_customer_goes_to_everybody_at_once(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "crm", told=CRM, http=Pipedrive()) as run:
        await phones(run, SILENT, TAKES_IT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=10)
        assert run.times("INVITE", to_port=5201, since=began)[0] < 2.0
        leg.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
@pytest.mark.parametrize(("server", "at"), [(always({"number": BACKUP}), 0), (refuses(), 0)])
async def test_f28_r12_the_server_decides_and_when_it_fails_the_backup_is_rung(
    tmp_path: Path, server: object, at: float
) -> None:
    told = {"url": "https://handler.example/where"}
    async with recipe_office(tmp_path, "webhook", told=told, http=server) as run:  # type: ignore[arg-type]
        await phones(run, SILENT, SILENT)
        await run.mobiles(TAKES_IT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=10)
        assert rung(run, BACKUP, since=began)[0] == pytest.approx(at, abs=0.5)
        leg.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
async def test_f28_r10_the_server_may_name_the_scheme_of_a_city(tmp_path: Path) -> None:
    async with recipe_office(
        tmp_path, "webhook", told={"url": "https://h.example"}, http=always("city")
    ) as run:
        await phones(run, SILENT, TAKES_IT)
        leg = await (await run.call_in(NUMBER)).answered(within=10)
        await asyncio.sleep(1)
        leg.hang_up()
        [only] = await run.stories()
        assert only.outcome is CallOutcome.TALKED


# --- queue and menu -----------------------------------------------------------------------------------------


@virtual_time(limit_s=900)
async def test_f28_q16_the_queue_lets_callers_go_to_voicemail_after_180_s(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "queue") as run:
        await phones(run, SILENT, SILENT)
        await run.mobiles(TAKES_IT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=1)  # a queue answers at once
        await asyncio.sleep(185)
        leg.hang_up()
        [only] = await run.stories()
        assert "waited 3 min in the queue sales" in story(only)
        assert "was asked to leave a message (office)" in story(only)
        assert rung(run, BACKUP, since=began) == []  # somebody's phone was on


@virtual_time(limit_s=600)
async def test_f28_q17_the_backup_of_the_queue_rings_at_once_when_all_phones_are_off(tmp_path: Path) -> None:
    async with recipe_office(tmp_path, "queue") as run:
        await run.mobiles(TAKES_IT)
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        assert rung(run, BACKUP, since=began) == [pytest.approx(0.0, abs=0.5)]
        leg.hang_up()
        await run.stories()


@virtual_time(limit_s=600)
@pytest.mark.parametrize(("keys", "told"), [("1", "pressed 1"), ("3202", "Piotr"), ("", "the queue sales")])
async def test_f28_i2_the_menu_leads_by_key_and_extension_and_without_any(
    tmp_path: Path, keys: str, told: str
) -> None:
    async with recipe_office(tmp_path, "menu") as run:
        await phones(run, None if keys == "3202" else TAKES_IT, TAKES_IT)
        leg = await (await run.call_in(NUMBER)).answered(within=2)
        await asyncio.sleep(5)
        leg.media.send_digits(keys)
        await asyncio.sleep(40)
        leg.hang_up()
        [only] = await run.stories()
        assert only.outcome is CallOutcome.TALKED
        assert told in story(only)


# --- holidays -----------------------------------------------------------------------------------------------


async def presses_1(phone: Softphone) -> None:
    """Take the call that comes to a mobile, by key."""
    invited = await phone.invited(within=60)
    while not invited.leg.is_answered:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    invited.leg.media.send_digits("1")


@virtual_time(limit_s=600)
@pytest.mark.parametrize("day", list(DUTY))
async def test_f28_f18_on_holidays_and_weekends_the_one_on_duty_presses_1(tmp_path: Path, day: str) -> None:
    async with recipe_office(tmp_path, "holiday", at=DUTY[day][0]) as run:
        await phones(run, TAKES_IT, TAKES_IT)
        mobiles = await run.mobiles(TAKES_IT)
        pressing = asyncio.create_task(presses_1(mobiles))
        leg = await (await run.call_in(NUMBER)).answered(within=20)
        await pressing
        await asyncio.sleep(2)
        leg.hang_up()
        [only] = await run.stories()
        assert f"talked with {DUTY[day][1]}'s mobile" in story(only)
        assert run.packets("INVITE", to_port=5201) == []


@virtual_time(limit_s=600)
@pytest.mark.parametrize("at", [NIGHT, SATURDAY_NIGHT])
async def test_f28_f26_at_night_nobody_is_rung_and_the_voicemail_answers(
    tmp_path: Path, at: datetime
) -> None:
    async with recipe_office(tmp_path, "holiday", at=at) as run:
        await phones(run, TAKES_IT, TAKES_IT)
        await run.mobiles(TAKES_IT)
        assert await voicemail(run, within=2) < 0.5
        [only] = await run.stories()
        assert "rang" not in story(only)


@virtual_time(limit_s=600)
async def test_f28_every_recipe_that_is_closed_at_night_takes_messages_then(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        told = {**CRM, "pbx": PBX, "pbx-password": "secret"}
        async with recipe_office(tmp_path / name, name, told=told, at=NIGHT, http=Pipedrive()) as run:
            assert await voicemail(run, within=3) < 0.5
            [only] = await run.stories()
            assert "was asked to leave a message (office)" in story(only)


# --- the flagship -------------------------------------------------------------------------------------------


@virtual_time(limit_s=600)
async def test_f28_flagship_phones_with_music_for_60_s_then_mobile_a_then_mobile_b_then_voicemail(
    tmp_path: Path,
) -> None:
    async with recipe_office(tmp_path, "flagship") as run:
        await phones(run, SILENT, SILENT)
        await run.mobiles(Habit(answers_after=3))  # their voicemails: they answer, and nobody presses a key
        began = run.now
        leg = await (await run.call_in(NUMBER)).answered(within=1)  # the welcome
        await run.until(lambda: bool(run.packets("INVITE", to_port=5201)), within=10)
        rang = run.now - began
        assert 1.5 < rang < 5
        await asyncio.sleep(10)
        recording = leg.media.record(tmp_path / "heard.wav")
        await asyncio.sleep(3)
        await recording.stop()
        assert Hearing.of_file(tmp_path / "heard.wav").seconds_of_sound() > 2.9, "there is music"
        for port in (5201, 5202):
            assert run.times("INVITE", to_port=port, since=began) == [pytest.approx(rang, abs=0.1)]
        await run.until(lambda: bool(rung(run, MOBILE_B, since=began)), within=120)
        [first], [second] = rung(run, MOBILE_A, since=began), rung(run, MOBILE_B, since=began)
        assert first == pytest.approx(rang + 60, abs=0.5)
        assert second == pytest.approx(first + 23, abs=1.0)  # 3 s of ringing, then 20 s for the key
        await asyncio.sleep(45)
        leg.hang_up()
        [only] = await run.stories()
        told = story(only)
        assert told.count("nobody pressed 1 (its voicemail?)") == 2
        assert "was asked to leave a message (office)" in told


@virtual_time(limit_s=600)
@pytest.mark.parametrize(("keys", "mobile"), [(("1",), "Anna"), (("2", "1"), "Piotr")])
async def test_f28_flagship_a_mobile_takes_the_call_by_1_and_passes_it_on_by_2(
    tmp_path: Path, keys: tuple[str, ...], mobile: str
) -> None:
    async with recipe_office(tmp_path, "flagship") as run:
        mobiles = await run.mobiles(Habit(answers_after=3))
        leg = await (await run.call_in(NUMBER)).answered(within=1)
        for count, key in enumerate(keys, start=1):
            invited = await mobiles.invited(count, within=30)
            await run.until(lambda: invited.leg.is_answered, within=10)  # noqa: B023 - awaited here
            await asyncio.sleep(2)
            invited.leg.media.send_digits(key)
        await asyncio.sleep(5)
        leg.hang_up()
        [only] = await run.stories()
        assert only.outcome is CallOutcome.TALKED
        assert f"talked with {mobile}" in story(only)
