"""People are found by every name they go by."""

from __future__ import annotations

import pytest

from b2bua.config.models import Config, Person
from b2bua.errors import WrongState
from b2bua.people.directory import Directory

ANNA = Person(name="anna", display="Anna Nowak", extension="101", sip_password="secret", mobile="600 100 200")
IVAN = Person(name="ivan", extension="104")
DIRECTORY = Directory(Config(people={"anna": ANNA, "ivan": IVAN}))


def test_a_person_is_found_by_name_extension_and_user_name() -> None:
    assert DIRECTORY.person("anna") == ANNA
    assert DIRECTORY.by_extension("101") == ANNA
    assert DIRECTORY.by_username("101") == ANNA
    assert [person.name for person in DIRECTORY.everybody()] == ["anna", "ivan"]


def test_whoever_has_no_password_has_no_phones() -> None:
    assert DIRECTORY.by_extension("104") == IVAN
    assert DIRECTORY.by_username("104") is None


def test_strangers_are_not_found() -> None:
    assert DIRECTORY.by_extension("999") is None
    with pytest.raises(WrongState, match="nobody is called bob"):
        DIRECTORY.person("bob")
