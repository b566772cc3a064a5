"""What a configuration file may say, and what is said about one that is wrong."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from b2bua.config.load import load_config
from b2bua.config.models import Config, Person, Trunk
from b2bua.errors import ConfigError
from b2bua.routing.destination import External, Mobile, Queue, Ring, RingMode, SipAddress
from b2bua.routing.destination import Person as RungPerson
from tests.config.offices import CONFIGS, PEOPLE, Reads, Says
from tests.harness.effort import calls_of

VOICEMAIL = """
[[scheme.main.step]]
voicemail = "sales"
"""


def test_an_empty_file_is_an_office_with_defaults(read: Reads) -> None:
    config = read("")
    assert (config.sip.host, config.sip.port, config.sip.transports) == ("127.0.0.1", 5060, ("udp", "tcp"))
    assert config.rtp.ports == (10000, 20000)
    assert config.smtp is None
    assert config.plan().default_mailbox == "office"


def test_every_wrong_value_is_named_with_line_and_key(errors: Says) -> None:
    assert errors(
        """
        [office]
        contry = "PL"
        timezone = "Mars/Base"
        [queue.sales]
        agents = ["101"]
        max-wait = "long"
        [person.anna]
        extension = "1o1"
        """
    ) == [
        "3 office.contry: unknown key; did you mean 'country'?",
        "4 office.timezone: 'Mars/Base' is no time zone, expected for example \"Europe/Warsaw\"",
        '7 queue.sales.max-wait: \'long\' is no duration, expected for example "20s", "2m", "1h30m" or "14d"',
        "9 person.anna.extension: expected two to six digits, found '1o1'",
    ]


def test_a_key_in_the_second_step_is_located_there(errors: Says) -> None:
    text = VOICEMAIL + '[[scheme.main.step]]\nqueue = "q"\nfro = "20s"\nafter = ["ofline"]\n'
    unknown, outcome = errors(text)
    assert unknown == "6 scheme.main.step.2.fro: unknown key; did you mean 'for'?"
    assert outcome.startswith("7 scheme.main.step.2.after.1: 'ofline' is not one of 'answered', 'no-answer'")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('timeout = "20s"', "3 scheme.main.step.1.timeout: unknown key; did you mean 'for'?"),
        ('mode = "parallel"', "or 'staggered'; did you mean 'together'?"),
        ('mode = "sequential"', "or 'staggered'; did you mean 'in-turn'?"),
        ('for = "2h"', "3 scheme.main.step.1.for: expected at most 60 min, found '2h'"),
        ('for = "0s"', "3 scheme.main.step.1.for: expected more than 0 s, found '0s'"),
    ],
)
def test_f1_who_writes_what_others_call_it_is_told_what_it_is_called_here(
    errors: Says, line: str, told: str
) -> None:
    (error,) = errors(f'[[scheme.main.step]]\nring = "+48600100200"\n{line}\n')
    assert error.endswith(told)


@pytest.mark.parametrize(
    ("after", "told"),
    [("5s", "expected at least 30 s, found 5 s"), ("30h", "expected at most 24 h, found 30 h")],
)
def test_a_duration_out_of_bounds_is_told_as_durations_are(errors: Says, after: str, told: str) -> None:
    error, *_ = errors(f'[return-call.soon]\nafter = "{after}"\n' + VOICEMAIL)
    assert error == f"2 return-call.soon.after: {told}"


def test_a_key_with_one_possible_value_says_which(errors: Says) -> None:
    error, *_ = errors('[number."+48221234567"]\nscheme = "main"\nsticky = true\n' + VOICEMAIL)
    assert error == '3 number."+48221234567".sticky: expected "today", found true'


def test_an_unknown_key_inside_an_inline_table_is_found_at_its_line(errors: Says) -> None:
    text = """
        [menu.main]
        greeting = "menu-demo"
        no-input = { ringg = ["101"] }
        invalid = { echo = true }
        options = { 1 = { echo = true } }
        """
    assert "4 menu.main.no-input.ringg: unknown key; did you mean 'ring'?" in errors(text)


def test_broken_toml_is_reported_with_its_line(errors: Says) -> None:
    (error,) = errors('[office]\ncountry = "PL\n')
    assert error.startswith("2 syntax: this is not TOML: ")


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml:1: error: file: cannot be read"):
        load_config(tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_bytes(b"\xff\xfe[office]")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "office.toml")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("name = “Anna”", "write straight quotes"),
        ('name = "Anna', "quotes that are opened have to be closed in the same line"),
        ("name = Anna Nowak", "text is written in quotes"),
        ("mobile = +48 600 100 200", "text is written in quotes"),
        ("[number.+48221234567]", 'in quotes: [number."+48221234567"]'),
        ('name: "Anna"', "between a key and its value stands ="),
        ("is-here = True", "write true or false, in small letters"),
        (
            'members = ["anna" "piotr"]',
            "between the elements of a list stand commas, and behind the last one ]",
        ),
        ('1 = { queue = "sales"', "a table that begins with { ends with } in the same line"),
        ("// the office", "a comment begins with #"),
        ("[person.Anna Nowak]", "a header looks like [person.anna]; names consist of the letters a to z"),
        ("[person.żaneta]", "names consist of the letters a to z, digits, - and _; others stand in quotes"),
        ('mon..fri = "9:00-18:00"', "names consist of the letters a to z, digits, - and _"),
    ],
)
def test_what_is_probably_wrong_in_a_line_that_is_no_toml_is_said(errors: Says, line: str, hint: str) -> None:
    (error,) = errors(f"[person.anna]\n{line}\n")
    assert error.startswith("2 syntax: this is not TOML: ")
    assert hint in error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[person.anna]\nname = "A"\n[person.anna]\n',
            "3 syntax: person.anna stands in line 1 already: make one of the two, or rename this one",
        ),
        (
            '[person.anna]\nname = "A"\nname = "B"\n',
            "3 syntax: person.anna.name stands in line 2 already: make one of the two, or rename this one",
        ),
        (
            "[scheme.night.step]\necho = true\n",
            "1 scheme.night.step: there may be several: write [[scheme.night.step]], with two brackets",
        ),
        (
            "[[scheme.night]]\necho = true\n",
            "1 scheme.night: its steps are written below [[scheme.night.step]]",
        ),
        (
            '[[person.anna]]\npassword = "geheim"\n',
            "1 person.anna: there is one only: write [person.anna], with one bracket",
        ),
        (
            'mobile = "+48600100200"\n',
            "1 mobile: unknown key; it stands above the first [table]: move it below the one it belongs to",
        ),
        (
            '[hours.x]\nMon-Fri = "9:00-18:00"\n',
            "2 hours.x.Mon-Fri: 'Mon-Fri' is no day of the week; did you mean mon-fri?",
        ),
        (
            '[hours.x]\n31.12 = "9:00-12:00"\n',
            "2 hours.x.31: expected a day of the week or a date; a date is month and day, such as 12-31",
        ),
        (
            '[hours.x]\nsat = ""\n',
            '2 hours.x.sat: \'\' is no span of time, expected for example "09:00-18:00", or "closed"',
        ),
    ],
)
def test_what_owners_write_wrong_is_told_in_their_words(errors: Says, text: str, told: str) -> None:
    assert told in errors(text)


def test_a_mark_of_windows_in_front_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_text('[office]\ncountry = "PL"\n', encoding="utf-8-sig")
    assert load_config(tmp_path / "office.toml").office.country == "PL"


def test_a_file_in_another_encoding_is_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_bytes('# ok\nname = "Zieliński"\n'.encode("cp1250"))
    with pytest.raises(ConfigError, match=r"office\.toml:2: .* not UTF-8; let your editor save it"):
        load_config(tmp_path / "office.toml")


def test_an_empty_password_is_none(errors: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTHING", "")
    anna = '[person.anna]\nextension = "101"\npassword = '
    assert errors(anna + '""') == [
        "3 person.anna.password: is empty; remove the line if there is no password"
    ]
    assert errors(anna + '"env:NOTHING"') == [
        "3 person.anna.password: the environment variable NOTHING is empty"
    ]


@pytest.mark.parametrize("mobile", ["600-100", "48", "anna"])
def test_what_is_too_short_for_a_mobile_is_an_error(errors: Says, mobile: str) -> None:
    text = PEOPLE.replace("+48600100200", mobile) + VOICEMAIL
    assert errors(text) == [
        f'6 person.anna.mobile: {mobile!r} is no telephone number, expected for example "+48600100200"'
    ]


def test_a_country_that_is_none_is_an_error(errors: Says) -> None:
    assert errors('[office]\ncountry = "XX"\n') == [
        "2 office.country: no country has the letters 'XX', expected for example \"PL\""
    ]


def test_an_address_with_the_mask_of_its_network_is_put_right(errors: Says) -> None:
    (error,) = errors('[trunk.a]\naccepts-from = ["198.51.100.3/28"]\n')
    assert error.endswith('did you mean "198.51.100.0/28", or "198.51.100.3" alone?')


def test_a_secret_comes_from_the_environment(read: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNA_PASSWORD", "s3cret")
    config = read('[person.anna]\nextension = "101"\npassword = "env:ANNA_PASSWORD"\n')
    assert config.people["anna"].sip_password == "s3cret"
    assert "s3cret" not in repr(config)


def test_a_secret_that_is_not_in_the_environment_is_an_error(errors: Says) -> None:
    text = '[person.anna]\nextension = "101"\npassword = "env:NO_SUCH_VARIABLE"\n'
    assert errors(text) == ["3 person.anna.password: the environment variable NO_SUCH_VARIABLE is not set"]


def test_a_wrong_password_is_not_printed(errors: Says) -> None:
    text = '[person.anna]\nextension = "101"\npassword = 4711\n'
    assert errors(text) == ["3 person.anna.password: expected text in quotes"]


def test_what_cannot_be_pressed_behind_a_number_is_an_error(errors: Says) -> None:
    text = PEOPLE.replace('mobile = "+48600100200"', 'mobile = "+48600100200,five"')
    assert text != PEOPLE
    text += '[[scheme.main.step]]\nring = ["+48600100201,,7w#", "+48600100202,#abc"]\n'
    assert [error.partition(" ")[2].partition(", expected")[0] for error in errors(text)] == [
        "person.anna.mobile: '+48600100200,five' is no telephone number",
        "scheme.main.step.1.ring.2: there is no person '+48600100202,#abc'",
    ]


def test_references_to_nothing_are_errors_with_a_suggestion(errors: Says) -> None:
    text = (
        PEOPLE.replace("default-scheme", 'default-trunk = "aut"\nvoicemail = "salse"\ndefault-scheme')
        + """
[queue.sales]
agents = ["ana"]
[[scheme.main.step]]
ring = ["pjotr", "109"]
hours = "office"
[[scheme.main.step]]
queue = "seles"
[[scheme.main.step]]
menu = "m"
[[scheme.main.step]]
scheme = "mian"
[[scheme.main.step]]
extension = "105"
[[scheme.main.step]]
voicemail = "sale"
[number."+48221230001"]
scheme = "x"
[person.ivan]
voicemail = "y"
"""
    )
    assert [error.partition(" ")[2] for error in errors(text)] == [
        "office.default-trunk: there is no trunk 'aut'; did you mean 'out'?",
        "office.voicemail: there is no mailbox 'salse'; did you mean 'sales'?",
        "queue.sales.agents.1: there is no person 'ana'; did you mean 'anna'?",
        "scheme.main.step.1.ring.1: there is no person 'pjotr'; did you mean 'piotr'?",
        "scheme.main.step.1.ring.2: 109 is nobody's extension and no telephone number",
        "scheme.main.step.1.hours: there is no hours table 'office'",
        "scheme.main.step.2.queue: there is no queue 'seles'; did you mean 'sales'?",
        "scheme.main.step.3.menu: there is no menu 'm'",
        "scheme.main.step.4.scheme: there is no scheme 'mian'; did you mean 'main'?",
        "scheme.main.step.5.extension: there is no extension '105'; did you mean '102'?",
        "scheme.main.step.6.voicemail: there is no mailbox 'sale'; did you mean 'sales'?",
        "number.\"+48221230001\".scheme: there is no scheme 'x'; there are: main",
        "person.ivan.voicemail: there is no mailbox 'y'; there are: sales",
    ]


def test_two_people_cannot_share_an_extension(errors: Says) -> None:
    text = PEOPLE + VOICEMAIL + '[person.olena]\nextension = "101"\n[extension."102"]\necho = true\n'
    assert [error.partition(" ")[2] for error in errors(text)] == [
        "person.olena.extension: 101 is already the extension of anna",
        "extension.102: 102 is already that of piotr",
    ]


def test_the_same_number_written_in_two_ways_is_configured_twice(errors: Says) -> None:
    text = (
        PEOPLE
        + VOICEMAIL
        + '[number."+48221230001"]\nscheme="main"\n[number."22 123 00 01"]\nscheme="main"\n'
    )
    assert [error.partition(" ")[2] for error in errors(text)] == [
        'number."22 123 00 01": +48221230001 is configured twice; it is in [number."+48221230001"] already'
    ]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ('ring = ["101"]\nvoicemail = "sales"', "found ring and voicemail"),
        ('for = "20s"', "found none of them"),
        ('voicemail = "sales"\nfor = "20s"', '"for" belongs to ring, queue and crm'),
        ('voicemail = "sales"\nmode = "together"', "mode and stagger belong to ring"),
        ('ring = ["101"]\nstagger = "5s"', 'stagger needs mode = "staggered"'),
        ('ring = ["101"]\nafter = ["answered"]', "nothing follows after answered"),
        ("ring = []", "expected at least one"),
        ('ring = ["101"]\nfor = "-1s"', "'-1s' is no duration"),
        ('ring = ["101"]\nfor = true', "expected a duration"),
    ],
)
def test_a_step_does_exactly_one_thing(errors: Says, step: str, why: str) -> None:
    (error,) = errors(PEOPLE + "[[scheme.main.step]]\n" + step + "\n" + VOICEMAIL)
    assert why in error


def test_i8_a_menu_without_its_two_edges_is_an_error_that_names_them(errors: Says) -> None:
    text = '[menu.main]\ngreeting = "menu-demo"\noptions = { 1 = { echo = true } }\n'
    assert errors(text) == [
        "1 menu.main.no-input: is missing: where callers go who press nothing",
        "1 menu.main.invalid: is missing: where callers go who press what is not offered",
    ]


def test_f7_a_step_rings_people_extensions_numbers_addresses_and_mobiles(read: Reads) -> None:
    config = read(
        PEOPLE
        + """
[[scheme.main.step]]
ring = ["anna", "102", "22 111 00 00", "sip:x@pbx.example", "mobile of 101"]
mode = "staggered"
stagger = 3
for = "1m"
"""
        + VOICEMAIL
    )
    first = config.plan().schemes["main"].steps[0].destination
    assert first == Ring(
        targets=(
            RungPerson("anna"),
            RungPerson("piotr"),
            External("+48221110000"),
            SipAddress("sip:x@pbx.example"),
            Mobile("anna"),
        ),
        mode=RingMode.STAGGERED,
        for_seconds=60.0,
        stagger_seconds=3.0,
    )


def test_f8_a_step_rings_the_mobiles_of_an_earlier_one(read: Reads) -> None:
    steps = (
        '[[scheme.main.step]]\nring = ["101", "102"]\n[[scheme.main.step]]\nring = ["mobiles of step 1"]\n'
    )
    second = read(PEOPLE + steps + VOICEMAIL).plan().schemes["main"].steps[1].destination
    assert second == Ring((Mobile("anna"),))  # piotr has none


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("mobiles of step 2", "step 2 is not before this one"),
        ("mobiles of step 1", "step 1 does not ring anybody"),
        ("mobile of piotr", "piotr has no mobile; add mobile to [person.piotr]"),
        ("mobile of pitr", "there is no person 'pitr'; did you mean 'piotr'?"),
    ],
)
def test_mobiles_that_do_not_exist_are_errors(errors: Says, target: str, why: str) -> None:
    steps = f'[[scheme.main.step]]\nsay = "welcome"\n[[scheme.main.step]]\nring = ["{target}"]\n'
    (error,) = errors(PEOPLE + steps + VOICEMAIL)
    assert error.endswith(f"scheme.main.step.2.ring.1: {why}")


def test_i15_an_extension_points_anywhere_but_to_another_one(read: Reads, errors: Says) -> None:
    queue = '[queue.sales]\nagents = ["anna"]\n'
    config = read(PEOPLE + VOICEMAIL + queue + '[extension."205"]\nqueue = "sales"\n')
    assert config.plan().extensions["205"] == Queue("sales")
    (error,) = errors(PEOPLE + VOICEMAIL + '[extension."205"]\nextension = "101"\n')
    assert "extension.205.extension: an extension cannot lead to another one" in error


def test_a_number_needs_a_scheme_for_every_hour(errors: Says) -> None:
    text = PEOPLE + VOICEMAIL + '[number."+48221230001"]\nin-hours = "main"\n'
    (error,) = errors(text)
    assert error.endswith('expected scheme = "…", or all of schedule, in-hours and off-hours')


def test_o8_a_trunk_is_known_by_address_or_registers(read: Reads, errors: Says) -> None:
    config = read('[trunk.a]\naccepts-from = ["192.0.2.0/24", "2001:db8::1"]\nmax-unanswered = "50s"\n')
    trunk = config.trunks["a"]
    assert trunk.accepts_from == (ip_network("192.0.2.0/24"), ip_network("2001:db8::1"))
    assert (trunk.name, trunk.max_unanswered_s, trunk.places_calls) == ("a", 50.0, False)
    assert errors('[trunk.a]\nregistrar = "sip.example"\n') == [
        "1 trunk.a: to register, a trunk needs a username and a password"
    ]
    assert "needs accepts-from" in errors("[trunk.a]\nchannels = 2\n")[0]
    assert "no network" in errors('[trunk.a]\naccepts-from = ["300.0.0.0/8"]\n')[0]


def test_models_are_built_by_their_field_names_in_code() -> None:
    person = Person(name="anna", display="Anna Nowak", extension="101", sip_password="x")
    config = Config(people={"anna": person}, trunks={"t": Trunk(name="t", host="192.0.2.1")})
    assert config.people["anna"].title == "Anna Nowak"
    assert config.plan().extensions == {"101": Ring((RungPerson("anna"),))}


def test_a_configuration_built_in_code_with_a_name_for_nothing_has_no_plan() -> None:
    config = Config(people={"anna": Person(name="anna", voicemail="x")})
    with pytest.raises(ConfigError, match=r"person\.anna\.voicemail: there is no mailbox 'x'"):
        config.plan()


def test_included_files_are_read_as_one_and_errors_name_the_right_file(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "anna.toml").write_text('[person.anna]\nextension = "101"\n')
    (tmp_path / "people" / "piotr.toml").write_text('[person.piotr]\nextension = "101"\n')
    (tmp_path / "office.toml").write_text('include = ["people/*.toml"]\n[voicemail.sales]\n')
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "office.toml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (tmp_path / "people" / "piotr.toml", 2)


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (
            'include = ["more.toml"]\n[person.anna]\nextension = "101"\n',
            r"more\.toml:2: .*set in .*office\.toml:3",
        ),
        ('include = ["moore.toml"]\n', r"office\.toml:1: error: include\.1: there is no file moore\.toml"),
        ('include = "more.toml"\n', r"office\.toml:1: error: include: expected a list of files"),
    ],
)
def test_includes_that_clash_or_do_not_exist_are_errors(tmp_path: Path, first: str, why: str) -> None:
    (tmp_path / "more.toml").write_text('[person.anna]\nextension = "102"\n')
    (tmp_path / "office.toml").write_text(first)
    with pytest.raises(ConfigError, match=why):
        load_config(tmp_path / "office.toml")


def test_a_pattern_of_includes_that_matches_nothing_is_a_warning(warnings: Says) -> None:
    first = 'include = ["schemes/*.toml", "people-?.toml"]\n'
    told = [line for line in warnings(first + PEOPLE + VOICEMAIL) if line.startswith("include")]
    assert told == [
        "include.1: no file matches schemes/*.toml: nothing is read",
        "include.2: no file matches people-?.toml: nothing is read",
    ]


@pytest.mark.parametrize("pattern", ["", "/", "."])
def test_an_include_that_is_no_name_of_a_file_is_an_error(errors: Says, pattern: str) -> None:
    [error] = errors(f'include = ["{pattern}"]\n')
    assert error == f"1 include.1: there is no file {pattern}"


@pytest.fixture(params=["demo.toml", "example.toml"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name in ("SMTP", "PROVIDER", "ANNA", "PIOTR"):
        monkeypatch.setenv(f"{name}_PASSWORD", "x")
    return (CONFIGS / str(request.param)).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("value", ["-1", '""', '"x"', "[]", "[1]", "{ x = 1 }", "true", "1979-05-27"])
def test_a_wrong_value_anywhere_is_a_problem_and_no_traceback(
    read: Reads, lines: list[str], value: str
) -> None:
    for index, line in enumerate(lines):
        key, equals, _ = line.partition(" = ")
        if equals:
            with suppress(ConfigError):
                read("\n".join([*lines[:index], f"{key} = {value}", *lines[index + 1 :]]))


def test_a_missing_line_anywhere_is_a_problem_and_no_traceback(read: Reads, lines: list[str]) -> None:
    for index in range(len(lines)):
        with suppress(ConfigError):
            read("\n".join(lines[:index] + lines[index + 1 :]))


def test_loading_the_demo_office_takes_no_noticeable_time() -> None:
    path = CONFIGS / "demo.toml"
    load_config(path)
    assert calls_of(lambda: load_config(path)) < 20_000  # 2.5 ms
