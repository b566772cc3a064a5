"""`[crm]`, its look-ups, and the people it knows."""

from __future__ import annotations

import pytest

from tests.config.offices import PEOPLE, Reads, Says

STEPS = """
[[scheme.main.step]]
crm = "responsible"
[[scheme.main.step]]
voicemail = "sales"
"""
PIPEDRIVE = f"""{PEOPLE}{STEPS}
[crm]
kind = "pipedrive"
url = "https://office.pipedrive.com"
token = "t"
"""
HTTP = f"""{PEOPLE}{STEPS}
[crm]
kind = "http"
url = "https://crm.example/api/"
[crm.find.contact]
path = "/contacts?phone={{number}}"
user = "0.owner"
"""


def test_row_r7_pipedrive_looks_in_all_records_and_others_where_it_is_told(read: Reads) -> None:
    pipedrive, other = read(PIPEDRIVE).crm, read(HTTP).crm
    assert pipedrive is not None
    assert other is not None
    assert pipedrive.looks_in == ("deal", "contact", "company", "lead")
    assert other.looks_in == ("contact",)
    assert pipedrive.budget_s == 1.5


def test_a_user_of_the_crm_is_a_number_or_a_text(read: Reads) -> None:
    written = PIPEDRIVE.replace("[person.anna]", "[person.anna]\ncrm-user = 17")
    written = written.replace("[person.piotr]", '[person.piotr]\ncrm-user = "p.z"')
    people = read(written).people
    assert (people["anna"].crm_user, people["piotr"].crm_user) == ("17", "p.z")


@pytest.mark.parametrize(
    ("office", "old", "new", "message"),
    [
        (PIPEDRIVE, 'token = "t"', "", "crm: Pipedrive needs a token"),
        (PIPEDRIVE, 'token = "t"', 'token = "env:NO_TOKEN"', "the environment variable NO_TOKEN is not set"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\nheaders = {A = "b"}', "belong to kind"),
        (PIPEDRIVE, '"pipedrive"', '"salesforce"', "crm.kind: 'salesforce' is not one of"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\norder = ["deals"]', "crm.order.1: 'deals' is not one"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\norder = []', "crm.order: expected at least one"),
        (HTTP, '"http"', '"http"\norder = ["lead"]', "say how to ask for it in [crm.find.lead]"),
        (HTTP, "/contacts", "contacts", "does not begin with"),
        (HTTP, "{number}", "{phone}", "needs one of {number}, {digits}, {national}, and no other braces"),
        (HTTP, "{number}", "{number", "has braces with something else"),
        (HTTP, "{number}", "1", "needs one of {number}"),
        (HTTP, 'user = "0.owner"', "", "crm.find.contact.user: is missing: where in the answer"),
        (HTTP, "crm.find.contact", "crm.find.contacts", "crm.find.contacts"),
        (HTTP, "https://crm.example/api/", "crm.example", "is no web address"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_key(
    errors: Says, office: str, old: str, new: str, message: str
) -> None:
    assert office.count(old) >= 1
    said = errors(office.replace(old, new))
    assert any(message in each for each in said), said


CREATE = """
[crm.create.contact]
path = "/contacts"
fields = { phone = "{caller}" }
"""


@pytest.mark.parametrize(
    ("office", "old", "new", "message"),
    [
        (PIPEDRIVE, 'token = "t"', 'token = "t"\nsource-field = "source"', "expected the key of a custom"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\nunknown-callers = ["note"]', "'note' is not one of"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\ncall-back-hours = "desk"', "there is no hours table 'desk'"),
        (PIPEDRIVE, 'token = "t"', 'token = "t"\nrecording-url = "https://x"', "needs {call_id} or {file}"),
        (PIPEDRIVE, 'token = "t"', f'token = "t"{CREATE}', 'belong to kind = "http"'),
        (HTTP, '"http"', '"http"\nunknown-callers = ["deal"]', "say how a deal is made in [crm.create.deal]"),
        (HTTP + CREATE, '"http"', '"http"\nsource-field = "' + "a" * 40 + '"', "belongs to kind"),
        (HTTP + CREATE, "{caller}", "{phone}", "crm.create.contact.fields: {phone} is not known; there"),
        (HTTP + CREATE, "{caller}", "{caller", "has braces with something else"),
        (HTTP + CREATE, "{caller}", "{caller:5d}", "has braces with something else"),
        (HTTP + CREATE, "{caller}", "{caller!r}", "has braces with something else"),
        (HTTP + CREATE, "{caller}", "{caller.upper}", "{caller.upper} is not known"),
        (HTTP + CREATE, '"/contacts"', '"contacts"', "crm.create.contact.path: 'contacts' does not"),
        (HTTP + CREATE, 'fields = { phone = "{caller}" }', "", "fields: is missing: what it says"),
    ],
)  # fmt: skip
def test_mistakes_in_what_the_crm_is_told_have_their_key(
    errors: Says, office: str, old: str, new: str, message: str
) -> None:
    assert office.count(old) >= 1
    said = errors(office.replace(old, new))
    assert any(message in each for each in said), said


def test_to_know_who_is_unknown_contacts_must_be_asked_for(errors: Says) -> None:
    only_deals = (HTTP + CREATE).replace("find.contact", "find.deal")
    [said] = errors(only_deals.replace('"http"', '"http"\nunknown-callers = ["contact"]'))
    assert "to know who is unknown, say how to ask for a contact in [crm.find.contact]" in said


def test_row_r2_what_is_made_is_what_the_office_wants_and_the_crm_can(read: Reads) -> None:
    pipedrive, other = read(PIPEDRIVE).crm, read(HTTP + CREATE).crm
    assert pipedrive is not None
    assert other is not None
    assert pipedrive.makes == {"call", "task"}
    assert other.makes == frozenset(), "contacts are not ticked, and nothing else can be made"
    quiet = read(
        PIPEDRIVE.replace('token = "t"', 'token = "t"\nrecord-calls = false\ncall-back-after = 0')
    ).crm
    assert quiet is not None
    assert not quiet.makes


def test_a_token_is_never_repeated(errors: Says) -> None:
    [said] = errors(PIPEDRIVE.replace('token = "t"', "token = 123456"))
    assert said.endswith("crm.token: expected text in quotes")


def test_a_step_asks_a_crm_that_there_is(errors: Says) -> None:
    [said] = errors(PEOPLE + STEPS)
    assert "scheme.main.step.1.crm: there is no [crm] that could be asked" in said


def test_row_r9_a_step_that_asks_the_crm_needs_a_next_one(errors: Says) -> None:
    [said] = errors(PIPEDRIVE.replace('[[scheme.main.step]]\nvoicemail = "sales"', ""))
    assert "dead end: when this step ends with busy, error, no-answer, offline, rejected" in said


def test_what_is_unwise_is_told(warnings: Says) -> None:
    said = warnings(PIPEDRIVE)
    assert [each for each in said if each.startswith("crm")] == [
        "crm: nobody has a crm-user or an email: whomever it names is nobody here"
    ]
    eva = "[person.eva]\nemail = 'eva@office.example'\n"
    assert not [each for each in warnings(PIPEDRIVE + eva) if each.startswith("crm")]
    said = warnings(HTTP.replace("https:", "http:") + eva)
    assert [each for each in said if each.startswith("crm.url: is not encrypted")]
