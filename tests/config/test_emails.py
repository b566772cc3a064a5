from __future__ import annotations

from pathlib import Path

from b2bua.config.check import lint
from b2bua.config.load import load_config

OFFICE = """
[office]
voicemail = "office"

[person.anna]
extension = "101"
email = "anna@office.example"
voicemail = "anna"

[person.piotr]
extension = "102"
email = "piotr@office.example"
voicemail = "office"

[voicemail.anna]

[voicemail.office]
emails = ["all@office.example"]
"""


def test_a_mailbox_without_a_list_mails_the_person_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text(OFFICE)
    config = load_config(path)
    assert config.emails_of("anna") == ("anna@office.example",)
    assert config.emails_of("office") == ("all@office.example",)
    assert config.plan().mailboxes["anna"].emails == ("anna@office.example",)
    assert not [problem for problem in lint(config) if "emails" in problem.key]
