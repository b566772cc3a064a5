"""No caller falls out of a scheme, and what is unwise is said."""

from __future__ import annotations

import pytest

from b2bua.config.check import lint
from b2bua.config.load import load_config
from tests.config.offices import CONFIGS, PEOPLE, Reads, Says

RING = '[[scheme.main.step]]\nring = ["101"]\nfor = "20s"\n'
BACKUP = '[[scheme.main.step]]\nring = ["+48600999888"]\nfor = "30s"\n'
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'
AT_ANY_TIME = '[number."+48221230001"]\nscheme = "main"\n'
NUMBER = """
[hours.day]
mon-fri = "09:00-18:00"
[number."+48221230001"]
schedule = "day"
in-hours = "main"
off-hours = "main"
"""
HOURS = '[hours.office]\nmon-fri = "09:00-18:00"\n'
ADD = 'nothing follows; add a last step such as voicemail = "…" without hours, when and after'
VOICEMAIL_DAY = '[[scheme.day.step]]\nvoicemail = "sales"\n'
MENU = """
[menu.m]
greeting = "menu-demo"
no-input = { ring = ["102"] }
invalid = { ring = ["102"] }
options = { 1 = { ring = ["101"] } }
"""


def only(found: list[str]) -> str:
    (one,) = found
    return one.partition(" ")[2] if one[0].isdigit() else one


def test_f15_a_scheme_that_runs_out_of_steps_is_an_error_at_the_step(errors: Says) -> None:
    assert only(errors(PEOPLE + RING + BACKUP)) == (
        "scheme.main.step.2: dead end: "
        f"when this step ends with busy, error, no-answer, offline, rejected, {ADD}"
    )


def test_f15_the_owner_may_want_a_dead_end_and_is_warned(warnings: Says) -> None:
    found = warnings(PEOPLE + "[scheme.main]\nallow-dead-end = true\n" + RING + BACKUP)
    assert only(found).endswith("the caller is dropped (allow-dead-end is set)")


@pytest.mark.parametrize("last", ['voicemail = "sales"', 'say = "goodbye"', "echo = true", 'scheme = "bye"'])
def test_f15_voicemail_a_farewell_and_echo_are_ends(read: Reads, last: str) -> None:
    read(PEOPLE + RING + f'[[scheme.main.step]]\n{last}\n[[scheme.bye.step]]\nsay = "goodbye"\n')


def test_f15_an_outcome_that_no_later_step_follows_is_a_dead_end(errors: Says) -> None:
    text = PEOPLE + '[queue.q]\nagents = ["101"]\n[[scheme.main.step]]\nqueue = "q"\n'
    text += VOICEMAIL + 'after = ["max-wait"]\n'
    assert only(errors(text)) == (
        f"scheme.main.step.1: dead end: when this step ends with error, offline, {ADD}"
    )


def test_f15_a_voicemail_in_opening_hours_only_is_no_last_resort(errors: Says) -> None:
    text = PEOPLE + HOURS + RING + 'hours = "office"\n' + VOICEMAIL + 'hours = "office"\n'
    start, first = errors(text)
    assert f"scheme.main: dead end: outside of the hours of its steps, {ADD}" in start
    assert "scheme.main.step.1: dead end" in first


def test_f15_a_step_for_off_hours_catches_those_who_were_passed_over(read: Reads) -> None:
    lost = 'after = ["off-hours", "no-answer", "busy", "offline", "error", "rejected"]'
    read(PEOPLE + HOURS + RING + 'hours = "office"\n' + VOICEMAIL + lost)


def test_f15_a_first_step_that_follows_an_outcome_is_never_entered(errors: Says) -> None:
    assert "scheme.main: dead end" in errors(PEOPLE + RING + 'after = ["offline"]\n')[0]


def test_f15_a_greeting_before_steps_that_may_all_be_closed_is_a_dead_end(errors: Says) -> None:
    text = PEOPLE + HOURS + '[[scheme.main.step]]\nsay = "welcome"\n' + VOICEMAIL + 'hours = "office"\n'
    assert "scheme.main.step.1: dead end: when this step ends with done" in only(errors(text))


def test_f15_a_nested_scheme_may_run_out_when_the_outer_one_goes_on(read: Reads, errors: Says) -> None:
    nested = '[[scheme.backup.step]]\nring = ["+48600999888"]\n[[scheme.main.step]]\nscheme = "backup"\n'
    read(PEOPLE + nested + VOICEMAIL)
    assert "scheme.main.step.1: dead end: when this step ends with busy" in only(errors(PEOPLE + nested))


def test_f15_a_scheme_that_nothing_refers_to_yet_is_checked_too(errors: Says) -> None:
    text = PEOPLE + VOICEMAIL + '[[scheme.new.step]]\nring = ["101"]\n'
    assert "scheme.new.step.1: dead end" in only(errors(text))


def test_f15_a_menu_ends_where_its_choices_do(read: Reads, errors: Says) -> None:
    step = '[[scheme.main.step]]\nmenu = "m"\n'
    read(PEOPLE + MENU + step + VOICEMAIL)
    assert "busy, error, max-wait, no-answer, offline, rejected" in only(errors(PEOPLE + MENU + step))


def test_schemes_that_lead_back_into_themselves_are_errors(errors: Says) -> None:
    text = PEOPLE + MENU + '[[scheme.main.step]]\nmenu = "m"\n' + VOICEMAIL
    text = text.replace('1 = { ring = ["101"] }', '1 = { scheme = "main" }')
    assert only(errors(text)) == (
        "scheme.main: leads back into itself: scheme main -> menu m -> scheme main; "
        "callers would go round for ever"
    )


def test_f16_a_number_whose_phones_have_no_backup_is_warned_of(warnings: Says) -> None:
    found = warnings(PEOPLE + RING + VOICEMAIL + NUMBER)
    assert only(found).startswith('number."+48221230001": no backup: when these phones are offline')


@pytest.mark.parametrize("target", ["+48600999888", "mobile of anna", "102", "sip:sales@pbx.example"])
def test_f16_a_mobile_an_outside_number_or_somebody_else_is_a_backup(warnings: Says, target: str) -> None:
    step = f'[[scheme.main.step]]\nring = ["{target}"]\n'
    assert warnings(PEOPLE + RING + step + VOICEMAIL + NUMBER) == []


def test_f16_the_phones_of_a_queue_need_a_backup_too(warnings: Says) -> None:
    queue = '[queue.q]\nagents = ["101", "102"]\n[[scheme.main.step]]\nqueue = "q"\n'
    assert "no backup" in only(warnings(PEOPLE + queue + VOICEMAIL + NUMBER))
    assert warnings(PEOPLE + queue + BACKUP + VOICEMAIL + NUMBER) == []


def test_f16_a_number_that_rings_nobody_needs_none(warnings: Says) -> None:
    assert warnings(PEOPLE + VOICEMAIL + NUMBER) == []


def test_f26_a_number_that_rings_people_at_night_too_is_warned_of(warnings: Says) -> None:
    others = AT_ANY_TIME.replace("0001", "0002") + AT_ANY_TIME.replace("0001", "0003")
    text = PEOPLE + RING + BACKUP + VOICEMAIL
    assert warnings(text + NUMBER) == []
    assert only(warnings(text + AT_ANY_TIME)) == (
        'number."+48221230001".off-hours: is missing: people are rung at night and on holidays too; '
        "let a schedule choose between in-hours and off-hours"
    )
    assert "(so are 2 other numbers)" in only(warnings(text + AT_ANY_TIME + others))


@pytest.mark.parametrize(
    "scheme",
    [
        VOICEMAIL,
        '[scheme.main]\nhours = "office"\notherwise = "night"\n' + RING + BACKUP + VOICEMAIL,
        RING + 'hours = "office"\n' + BACKUP + VOICEMAIL,
        '[[scheme.main.step]]\nscheme = "day"\n' + VOICEMAIL,
    ],
)
def test_f26_whoever_rings_nobody_or_knows_hours_needs_no_second_scheme(warnings: Says, scheme: str) -> None:
    night = '[[scheme.night.step]]\nvoicemail = "sales"\n'
    by_day = '[[scheme.day.step]]\nring = ["101", "mobile of anna"]\nconfirm = true\nhours = "office"\n'
    assert warnings(PEOPLE + HOURS + scheme + night + by_day + VOICEMAIL_DAY + AT_ANY_TIME) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            'ring = ["101"]\nfor = "20s"',
            'ring = ["101"]\nfor = "2s"',
            "step.1.for: 2 s is unusual, 10 to 60 s",
        ),
        ('emails = ["sales@office.example"]', "", "voicemail.sales.emails: is missing: nobody is told"),
        ('"secret"\nmobile', '"1234"\nmobile', "person.anna.password: is easy to guess"),
        (
            "[voicemail.sales]",
            '[number."twenty"]\nscheme = "x"\n[[scheme.x.step]]\nvoicemail = "sales"\n[voicemail.sales]',
            "nobody can dial it",
        ),
        ('default-scheme = "main"', "", "office.default-scheme: is missing: calls to numbers"),
        (
            'host = "192.0.2.1"\n',
            "",
            "no trunk can place calls; add host or registrar",
        ),
        ('extension = "101"\npassword = "secret"', 'extension = "101"', 'did you mean "mobile of anna"?'),
    ],
)
def test_what_is_unwise_is_said(warnings: Says, before: str, after: str, said: str) -> None:
    text = PEOPLE + RING + BACKUP + VOICEMAIL
    assert warnings(text) == []
    assert before in text
    assert said in only(warnings(text.replace(before, after)))


def test_q16_a_queue_outside_of_90_to_300_s_is_warned_of(warnings: Says) -> None:
    queue = '[queue.q]\nagents = ["101"]\nmax-wait = "10m"\n[[scheme.main.step]]\nqueue = "q"\nfor = "60s"\n'
    assert warnings(PEOPLE + queue + VOICEMAIL) == [
        "queue.q.max-wait: 600 s is unusual, 90 to 300 s are recommended",
        "scheme.main.step.1.for: 60 s is unusual, 90 to 300 s are recommended",
    ]


def test_i7_more_than_four_options_are_warned_of(warnings: Says) -> None:
    options = "".join(f'{digit} = {{ ring = ["101"] }}, ' for digit in range(1, 6)).rstrip(", ")
    text = PEOPLE + MENU.replace('1 = { ring = ["101"] }', options) + '[[scheme.main.step]]\nmenu = "m"\n'
    assert only(warnings(text + VOICEMAIL)) == "menu.m.options: 5 options; callers remember 4"


def test_i6_a_menu_below_a_menu_is_warned_of(warnings: Says) -> None:
    below = MENU.replace("menu.m", "menu.below")
    text = PEOPLE + MENU.replace('1 = { ring = ["101"] }', '1 = { menu = "below" }') + below
    text += '[[scheme.main.step]]\nmenu = "m"\n' + VOICEMAIL
    assert only(warnings(text)) == "menu.m: leads to another menu; callers want one level"


def test_i4_a_menu_outside_of_90_to_120_s_is_warned_of(warnings: Says) -> None:
    text = PEOPLE + MENU + 'for = "30s"\n[[scheme.main.step]]\nmenu = "m"\n' + VOICEMAIL
    assert only(warnings(text)) == "menu.m.for: 30 s is unusual, 90 to 120 s are recommended"


def test_f30_a_target_that_never_joins_a_staggered_ringing_is_warned_of(warnings: Says) -> None:
    step = '[[scheme.main.step]]\nring = ["101", "102"]\nmode = "staggered"\nstagger = "20s"\n'
    assert "the step is over before the last target rings" in only(warnings(PEOPLE + step + VOICEMAIL))


def test_f30_a_member_of_a_group_that_never_joins_a_staggered_ringing_is_warned_of(warnings: Says) -> None:
    group = '[group.g]\nmembers = ["101", "102"]\n'
    step = '[[scheme.main.step]]\nring = "g"\nmode = "staggered"\nstagger = "20s"\n'
    assert "the step is over before the last target rings" in only(
        warnings(PEOPLE + group + step + VOICEMAIL)
    )


def test_an_office_without_a_mailbox_is_warned_of(warnings: Says) -> None:
    assert "voicemail: no mailbox: messages are kept, but nobody is told of them" in warnings("")


def test_the_demo_office_is_warned_of_what_is_short_in_it_for_a_demo() -> None:
    problems = lint(load_config(CONFIGS / "demo.toml"))
    assert [problem.key for problem in problems] == [
        'number."+48221230001".off-hours',
        "scheme.together.step.2.ring",
        "queue.sales.max-wait",
    ]


def test_the_example_office_is_beyond_reproach(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP", "PROVIDER", "ANNA", "PIOTR"):
        monkeypatch.setenv(f"{name}_PASSWORD", "correct horse")
    assert lint(load_config(CONFIGS / "example.toml")) == ()


def test_q12_more_channels_than_the_ports_have_room_for_are_warned_of(warnings: Says) -> None:
    trunk = '[trunk.provider]\nhost = "sip.provider.example"\nchannels = 10\n'
    assert not [found for found in warnings(PEOPLE + trunk + RING + VOICEMAIL) if "room" in found]
    narrow = '[rtp]\nports = "20001-20039"\n'
    (found,) = (found for found in warnings(PEOPLE + trunk + narrow + RING + VOICEMAIL) if "room" in found)
    assert "have room for 19 callers who wait, or 9 who talk; the trunks have 10 channels" in found


@pytest.mark.parametrize(
    ("table", "key"),
    [("[media]", "media.codecs"), ("[person.anna]", "person.anna.codecs"), ("[trunk.t]", "trunk.t.codecs")],
)
def test_codecs_that_few_have_are_warned_of(warnings: Says, table: str, key: str) -> None:
    text = PEOPLE + RING + BACKUP + VOICEMAIL + NUMBER + '[media]\n[trunk.t]\naccepts-from = ["192.0.2.1"]\n'
    before = warnings(text)
    usual = text.replace(f"{table}\n", f'{table}\ncodecs = ["opus", "PCMA"]\n')
    wideband = text.replace(f"{table}\n", f'{table}\ncodecs = ["opus", "G722"]\n')
    assert len(warnings(usual)) == len(before)
    (new,) = [one for one in warnings(wideband) if "neither PCMA nor PCMU" in one]
    assert f"{key}: " in new


def test_an_unknown_codec_is_an_error_that_names_those_we_have(errors: Says) -> None:
    (found,) = errors(PEOPLE + RING + BACKUP + VOICEMAIL + '[media]\ncodecs = ["G729"]\n')
    assert "media.codecs" in found
    assert all(codec in found for codec in ("opus", "G722", "PCMA", "PCMU"))


@pytest.mark.parametrize(("number", "key"), [("*8", "group"), ("*8101", "directed")])
def test_rfc5359_2_16_a_pick_up_code_that_means_something_else_is_a_fault(
    number: str, key: str, errors: Says
) -> None:
    office = PEOPLE.replace("[office]", f'[office]\nvoicemail-number = "{number}"') + NUMBER + VOICEMAIL
    assert only(errors(office)) == f"office.{key}-pickup-code: {number} is already voicemail-number"


@pytest.mark.parametrize(
    ("code", "key", "other"),
    [
        ("*9", "voicemail-number", "*97"),
        ("*8", "group-pickup-code", "*8"),
        ("*81", "group-pickup-code", "*8"),
    ],
)
def test_s3_a_status_code_that_is_mistaken_for_another_is_a_fault(
    code: str, key: str, other: str, errors: Says
) -> None:
    office = PEOPLE.replace("[office]", f'[office]\nstatus-code = "{code}"') + NUMBER + VOICEMAIL
    assert f"office.status-code: {code} is mistaken for {key} {other}" in errors(office)[0]


def test_f22_a_call_back_code_that_is_mistaken_for_another_is_a_fault(errors: Says) -> None:
    office = '[office]\ncall-back-code = "*45"\n'
    assert "office.call-back-code: *45 is mistaken for status-code *45" in errors(office)[0]


def test_s1_an_override_code_that_is_mistaken_for_another_is_a_fault(errors: Says) -> None:
    office = PEOPLE.replace("[office]", '[office]\noverride-code = "*4"') + NUMBER + VOICEMAIL
    assert "office.override-code: *4 is mistaken for status-code *45" in "\n".join(errors(office))


def test_s1_a_backup_scheme_that_is_not_there_is_a_fault(errors: Says) -> None:
    office = PEOPLE.replace("[office]", '[office]\nbackup-scheme = "bakup"') + NUMBER + VOICEMAIL
    assert any("office.backup-scheme: there is no scheme 'bakup'" in line for line in errors(office))


def test_a_group_that_nothing_rings_is_told(warnings: Says) -> None:
    office = PEOPLE + RING + BACKUP + VOICEMAIL + NUMBER
    group = '[group.sales]\nmembers = ["anna"]\n'
    told = "group.sales: nothing rings it"
    assert told in warnings(office + group)
    for way in ('ring = ["sales"]', 'ring = ["mobiles of sales", "101"]'):
        assert told not in warnings(office.replace('ring = ["101"]', way) + group)
