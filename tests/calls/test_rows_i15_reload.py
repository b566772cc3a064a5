"""Rows I15 and F1: the configuration changes while the office works; it holds from the next call on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.demo.softphone import CallRefused, Habit
from b2bua.notify.delivery import SmtpDelivery
from b2bua.notify.web import WebDelivery
from b2bua.sip.message import parse_message
from b2bua.sip.transport.memory import Packet
from b2bua.sip.uri import SipUri
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.calls.test_rows_o_trunks import OUR_NUMBER, PROVIDER, REALM, REGISTERED, Provider
from tests.calls.test_rows_q_queue import queue_with, waiting
from tests.calls.test_transfer import refer
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, NUMBER, SERVER, office
from tests.harness.watcher import lamp

ANSWERS = Habit(answers_after=1.0)
TO_IVAN = """
[[step]]
ring = ["ivan"]
for = "10s"
[[step]]
ring = ["mobile of ivan"]
for = "10s"
[[step]]
ring = ["ivan"]
[[step]]
menu = "old"
[[step]]
voicemail = "sales"
"""
OLD_MENU = """
[menu.old]
greeting = "menu-demo"
no-input = { queue = "old" }
invalid = { ring = ["ivan"] }
[menu.old.options]
1 = { ring = ["ivan"] }
[queue.old]
agents = ["ivan"]
"""
IVAN = (
    '[person.ivan]\nname = "Ivan Petrov"\nextension = "104"\npassword = "demo-104"\nmobile = "+48600100203"\n'
)


def swap(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """Return what puts other text into a configuration, all of which must be there."""

    def change(text: str) -> str:
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return change


def ivan_leaves(text: str) -> str:
    """Return the office without Ivan and his menu: his calls and his extension are Piotr's from now on."""
    text = swap((OLD_MENU, ""), (IVAN, '[extension."104"]\nring = ["piotr"]\n'))(text)
    text = text.replace('menu = "old"', 'say = "goodbye"').replace("mobile of ivan", "mobile of piotr")
    return text.replace('ring = ["ivan"]', 'ring = ["piotr"]').replace('ring = ["104"]', 'ring = ["piotr"]')


@virtual_time
async def test_row_i15_an_edit_while_it_rings_leaves_that_call_and_holds_for_the_next(tmp_path: Path) -> None:
    async with office(tmp_path, change=lambda text: text + OLD_MENU, scheme=TO_IVAN) as demo:
        ivan, piotr, mobiles = await demo.phone("104"), await demo.phone("102", ANSWERS), await demo.mobiles()
        old = await demo.call_in(NUMBER)
        ringing = await ivan.invited(within=2)
        assert await demo.edit(ivan_leaves) == [
            "Ivan Petrov's phone is offline (phone 104, 127.0.0.1:5104): may not register any more",
            "the configuration was read again: 1 person removed (ivan), 2 schemes changed (default, tested), "
            "1 menu changed (main), 1 menu removed (old), 1 queue removed (old), 1 extension added (104); "
            "from the next call on",
        ]
        new = await (await demo.call_in(NUMBER, from_number="+48500600701")).answered(within=3)
        assert len(piotr.invitations) == 1
        assert not ringing.over.done()
        # the old call goes on through all that it started with: his mobile, the menu that is gone, he himself
        rung = await mobiles.invited(within=15)
        assert str(rung.invite.request.target).startswith("sip:+48600100203@")
        leg = await old.answered(within=15)
        await asyncio.sleep(90)
        leg.hang_up()
        new.hang_up()
        [first, second] = await demo.stories()
        assert "Ivan Petrov's phone was off; pressed nothing in the menu old" in story(first)
        assert (
            "menu old; waited under 1 s in the queue old, everybody there is offline or away; was asked"
            in story(first)
        )
        assert second.outcome is CallOutcome.TALKED
        assert len(piotr.invitations) == 1
        await demo.settled()


@virtual_time
async def test_row_i15_a_caller_whom_a_phone_transfers_stays_in_the_configuration_of_the_call(
    tmp_path: Path,
) -> None:
    menu = OLD_MENU.replace("old", "new").replace('{ queue = "new" }', '{ ring = ["ivan"] }')
    added = f'[extension."205"]\nmenu = "new"\n{menu}'
    async with office(tmp_path, scheme=TO_IVAN.replace('menu = "old"', 'say = "goodbye"')) as demo:
        ivan, outside = await demo.phone("104", ANSWERS), await demo.mobiles(Habit(refuses_with=404))
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        first = (await ivan.invited(within=1)).leg
        await asyncio.sleep(1)
        await demo.edit(lambda text: text + added)
        assert await refer(first, "205").result == 404  # a number outside, when the call began
        assert len(outside.invitations) == 1
        assert caller.is_up
        assert first.is_up
        first.hang_up()
        again = await (await demo.call_in(NUMBER)).answered(within=5)
        second = (await ivan.invited(2, within=1)).leg
        await asyncio.sleep(1)
        assert await refer(second, "205").result == 200  # a menu by now
        assert len(outside.invitations) == 1
        assert again.is_up


@virtual_time
async def test_row_i15_a_broken_edit_changes_nothing_and_is_told_with_file_line_and_key(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_IVAN.replace('menu = "old"', 'say = "goodbye"')) as demo:
        ivan, before = await demo.phone("104", ANSWERS), demo.server.config
        line = 1 + (tmp_path / "office.toml").read_text().splitlines().index('ring = ["ivan"]')
        file, goes_on = tmp_path / "office.toml", "the office goes on with the one it has"
        assert await demo.edit(swap(('["ivan"]\nfor', '["iwan"]\nfor'))) == [
            f"{file}:{line}: error: scheme.tested.step.1.ring.1: "
            "there is no person 'iwan'; did you mean 'ivan'?",
            f"the changed configuration cannot be used: {goes_on}",
        ]
        [syntax, *_] = await demo.edit(swap(('["iwan"]', '["ivan"')))
        assert syntax.startswith(f"{file}:{line + 1}: error: syntax: this is not TOML: ")
        assert demo.server.config is before
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        assert len(ivan.invitations) == 1
        assert caller.is_up
        same = swap(('["ivan"\nfor', '["ivan"]\nfor'))
        assert await demo.edit(same) == ["the configuration was read again: nothing has changed"]


@virtual_time
async def test_row_i15_a_file_that_is_empty_or_ends_early_takes_neither_trunks_nor_people_away(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_IVAN.replace('menu = "old"', 'say = "goodbye"')) as demo:
        ivan, before = await demo.phone("104", ANSWERS), demo.server.config
        whole = await asyncio.to_thread((tmp_path / "office.toml").read_text)
        for end in ("[office]", 'timezone = "', "default-trunk", "[trunk.", "[person.", "[voicemail."):
            *_, told = await demo.edit(lambda _, end=end: whole.partition(end)[0])
            assert told.startswith("the changed configuration cannot be used")
            assert demo.server.config is before
        await (await demo.call_in(NUMBER)).answered(within=5)
        assert len(ivan.invitations) == 1


@virtual_time
async def test_s0_a_person_who_is_removed_cannot_register_or_call_and_lamps_of_theirs_end(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        anna, ivan = await demo.phone("101"), await demo.phone("104", host="192.0.2.4")
        of_ivan, own = await lamp(demo, "101", "dialog", "104"), await lamp(demo, "104", "message-summary")
        of_piotr, of_anna = await lamp(demo, "101", "dialog", "102"), await lamp(demo, "104", "dialog", "101")
        await demo.edit(ivan_leaves_alone)
        await asyncio.sleep(1)
        assert of_ivan.last.state == "terminated;reason=noresource"
        assert own.last.state == of_anna.last.state == "terminated;reason=rejected"
        assert of_piotr.last.state.startswith("active")
        assert (await ivan.register(SERVER, "104", "demo-104")).status == 403
        assert not list(demo.server.bindings.registered("ivan", demo.now))
        assert (await anna.register(SERVER, "101", "demo-101")).status == 200
        with pytest.raises(CallRefused, match="403"):
            await (await demo.call_from(ivan, "104", "101")).answered(within=5)
        assert anna.invitations == []
        # he comes back
        await demo.edit(lambda text: text + IVAN)
        assert (await ivan.register(SERVER, "104", "demo-104")).status == 200


@virtual_time
async def test_row_i15_whoever_takes_over_a_desk_has_its_phone_at_once(tmp_path: Path) -> None:
    eva = swap(("[person.anna]", "[person.eva]"), ("mobile of anna", "mobile of eva"), ("Anna", "Eva"))
    async with office(tmp_path) as demo:
        phone = await demo.phone("101", ANSWERS)
        await demo.edit(eva)
        caller = await (await demo.call_in("+48221230001")).answered(within=3)
        assert len(phone.invitations) == 1
        caller.hang_up()
        [told] = await demo.stories()
        assert "talked with Eva Nowak" in story(told)
        await demo.edit(
            swap(
                ("[person.eva]", "[person.olga]"), ("mobile of eva", "mobile of olga"), ("demo-101", "other")
            )
        )
        assert not list(demo.server.bindings.all(demo.now))  # that password is nobody's any more


@virtual_time
async def test_s0_a_new_password_holds_at_the_next_challenge_and_a_new_person_may_register(
    tmp_path: Path,
) -> None:
    eva = '\n[person.eva]\nextension = "105"\npassword = "demo-105"\n'
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", ANSWERS)
        said = await demo.edit(lambda text: swap(("demo-101", "quite new"))(text) + eva)
        assert said[0].startswith(
            "the configuration was read again: 1 person added (eva), 1 person changed (anna);"
        )
        caller = await (await demo.call_in("+48221230001")).answered(within=3)  # she is registered as before
        assert caller.is_up
        assert (await anna.register(SERVER, "101", "demo-101")).status == 401
        assert (await anna.register(SERVER, "101", "quite new")).status == 200
        await demo.phone("105")


@virtual_time
async def test_s0_who_gets_another_extension_is_watched_anew(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101")
        watching = await lamp(demo, "101", "dialog", "104")
        await demo.edit(
            swap(('extension = "104"', 'extension = "204"'), ('ring = ["104"]', 'ring = ["204"]'))
        )
        await asyncio.sleep(1)
        assert watching.last.state == "terminated;reason=deactivated"


@virtual_time(limit_s=900)
async def test_row_o8_a_trunk_that_is_added_registers_and_one_that_is_removed_unregisters(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        provider = Provider(await demo.softphone("provider", PROVIDER.port, host=PROVIDER.host))
        await demo.phone("101", ANSWERS)
        said = await demo.edit(lambda text: text + REGISTERED)
        assert said[0] == "the configuration was read again: 1 trunk added (provider); from the next call on"
        await demo.until(lambda: bool(provider.registered_at), within=1)
        placed = await provider.phone.call(
            SERVER, OUR_NUMBER, from_number=CALLER, uri=provider.contact, to=SipUri(OUR_NUMBER, REALM)
        )
        caller = await placed.answered(within=3)

        # what concerns calls alone lets it stay registered
        await demo.edit(swap((REGISTERED, f"{REGISTERED}channels = 3\n")))
        await asyncio.sleep(5)
        assert len(provider.registered_at) == 1

        # another account registers anew, after the old one has gone
        await demo.edit(swap(('expires = "60s"', 'expires = "90s"')))
        await asyncio.sleep(5)
        assert expiries(demo.packets("REGISTER", to_port=PROVIDER.port))[-2:] == ["0", "90"]

        await demo.edit(lambda text: text.partition("\n[trunk.provider]")[0])
        await asyncio.sleep(5)
        assert expiries(demo.packets("REGISTER", to_port=PROVIDER.port))[-1] == "0"
        assert demo.server.trunks.registrations == ()
        registered = len(provider.registered_at)
        assert caller.is_up
        await asyncio.sleep(200)
        assert caller.is_up
        assert len(provider.registered_at) == registered
        caller.hang_up()
        [call] = await demo.stories()
        assert call.outcome is CallOutcome.TALKED


@virtual_time
async def test_row_q2_callers_in_line_stay_there_when_their_queue_gets_other_agents(tmp_path: Path) -> None:
    eva = '\n[person.eva]\nextension = "105"\npassword = "demo-105"\n'
    async with office(tmp_path, change=queue_with(agents='["101"]', **{"max-wait": '"10m"'})) as demo:
        anna = await demo.phone("101", Habit(answers_after=0.5))
        talking = await waiting(demo, 0)
        await anna.invited(within=5)
        first, second = await waiting(demo, 1), await waiting(demo, 2)
        await asyncio.sleep(30)
        assert len(anna.invitations) == 1
        await demo.edit(lambda text: swap(('agents = ["101"]', 'agents = ["101", "eva"]'))(text) + eva)
        newcomer = await demo.phone("105", Habit(answers_after=0.5))
        rung = await newcomer.invited(within=5)
        await asyncio.sleep(1)
        assert rung.leg.is_answered  # whose call began before there was an Eva
        assert first.is_up
        assert second.is_up
        assert talking.is_up
        assert demo.server.serving.queues.line("sales").callers == 1
        # the queue itself goes: who waits in it is served all the same
        queue = (tmp_path / "office.toml").read_text().partition("[queue.sales]")[2].partition("# ---")[0]
        await demo.edit(
            swap(
                (f"[queue.sales]{queue}", ""),
                ('queue = "sales"', 'ring = ["eva"]'),
                ('after = ["offline"]', ""),
            )
        )
        rung.leg.hang_up()
        await newcomer.invited(2, within=10)
        await asyncio.sleep(1)
        assert "sales" not in demo.server.plan.queues
        assert not first.is_up
        second.hang_up()
        talking.hang_up()
        outcomes = [call.outcome for call in await demo.stories()]
        assert outcomes == [CallOutcome.TALKED] * 3
        await demo.settled()


@virtual_time
async def test_what_needs_a_restart_is_named_and_the_rest_holds(tmp_path: Path) -> None:
    async with office(tmp_path, change=lambda text: text + OLD_MENU) as demo:
        before = demo.server.config
        said = await demo.edit(
            swap(
                ('listen = "127.0.0.1:5060"', 'listen = "127.0.0.1:5070"'),
                ('ports = "20000-29998"', 'ports = "20000-20998"'),
                (f'data = "{tmp_path / "data"}"', 'data = "elsewhere"'),
                ('port = 5090\ntransport = "udp"', 'port = 5090\ntransport = "tls"'),
                ('language = "en"', 'language = "pl"'),
                (
                    "[person.anna]",
                    '[smtp]\nhost = "mail.example"\nfrom = "office@mail.example"\n[person.anna]',
                ),
            )
        )
        assert said[:2] == [
            "the configuration was read again: "
            "1 trunk changed (demo-out), office.language, smtp; from the next call on",
            "only a restart changes sip.listen, rtp.ports, office.data, trunk.demo-out.transport: "
            "until then it stays as it was",
        ]
        now = demo.server.config
        assert (now.sip, now.rtp, now.office.data) == (before.sip, before.rtp, before.office.data)
        assert now.office.language == "pl"
        delivery = demo.server.serving.mail_worker.delivery
        assert isinstance(delivery, WebDelivery)
        assert isinstance(delivery.mail, SmtpDelivery)


@virtual_time
async def test_a_warning_of_the_checker_is_told_when_it_is_new_and_once(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        longer = swap(
            ('announce-every = "15s"\nmax-wait = "60s"', 'announce-every = "15s"\nmax-wait = "30m"')
        )
        [_, *warnings] = await demo.edit(longer)
        assert [line.partition(": warning: ")[2] for line in warnings] == [
            "queue.sales.max-wait: 1800 s is unusual, 90 to 300 s are recommended"
        ]
        [_, *warnings] = await demo.edit(swap(('name = "Ivan Petrov"', 'name = "Ivan P."')))
        assert warnings == []


@virtual_time
async def test_row_o1_the_recording_of_calls_begins_with_the_next_call(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", ANSWERS)
        old = await (await demo.call_in("+48221230001")).answered(within=5)
        await demo.edit(lambda text: f'{text}\n[recording]\nall = true\nannouncement = ""\n')
        await asyncio.sleep(2)
        old.hang_up()
        await asyncio.sleep(1)
        assert not (tmp_path / "data" / "recordings").exists()
        new = await (await demo.call_in("+48221230001")).answered(within=5)
        await asyncio.sleep(2)
        new.hang_up()
        await demo.stories()
        assert len(list((tmp_path / "data" / "recordings").rglob("*.wav"))) == 1


def ivan_leaves_alone(text: str) -> str:
    """Return the demo office without Ivan."""
    return swap((IVAN, ""), ('ring = ["104"]', 'ring = ["102"]'))(text)


def expiries(packets: list[Packet]) -> list[str | None]:
    """Return how long each REGISTER that was answered asks for."""
    requests = [parse_message(packet.wire) for packet in packets]
    return [one.headers.get("Expires") for one in requests if one.headers.get("Authorization")]
