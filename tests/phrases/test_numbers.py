"""The grammar of numbers: which words are spoken, in all four languages (row Q6)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from b2bua.phrases import Grammar, MalformedGrammar, Phrasebook

ROOT = Phrasebook.found()
LANGUAGES = ("en", "pl", "ru", "uk")


def texts(language: str) -> dict[str, str]:
    return tomllib.loads((ROOT / language / "texts.toml").read_text(encoding="utf-8"))


def said(language: str, paths: tuple[Path, ...]) -> str:
    return " ".join(texts(language)[path.stem] for path in paths)


def book(language: str) -> Phrasebook:
    return Phrasebook(ROOT, language)


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [
        ("en", 0, "zero"),
        ("en", 13, "thirteen"),
        ("en", 999, "nine hundred ninety nine"),
        ("uk", 40, "сорок"),
        ("uk", 112, "сто дванадцять"),
        ("ru", 21, "двадцать один"),
        ("ru", 302, "триста два"),
        ("pl", 22, "dwadzieścia dwa"),
        ("pl", 500, "pięćset"),
    ],
)
def test_numbers_are_composed_of_hundreds_tens_and_ones(language: str, number: int, words: str) -> None:
    assert said(language, book(language).number(number)) == words


@pytest.mark.parametrize("number", [-1, 1000])
def test_numbers_that_have_no_words_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not between 0 and 999"):
        book("en").number(number)


@pytest.mark.parametrize(
    ("language", "minutes", "words"),
    [
        ("en", 1, "The waiting time is about one minute"),
        ("en", 21, "The waiting time is about twenty one minutes"),
        ("uk", 1, "Приблизний час очікування одна хвилина"),
        ("uk", 2, "Приблизний час очікування дві хвилини"),
        ("uk", 5, "Приблизний час очікування п'ять хвилин"),
        ("uk", 11, "Приблизний час очікування одинадцять хвилин"),
        ("uk", 12, "Приблизний час очікування дванадцять хвилин"),
        ("uk", 21, "Приблизний час очікування двадцять одна хвилина"),
        ("uk", 34, "Приблизний час очікування тридцять чотири хвилини"),
        ("ru", 1, "Примерное время ожидания одна минута"),
        ("ru", 2, "Примерное время ожидания две минуты"),
        ("ru", 14, "Примерное время ожидания четырнадцать минут"),
        ("ru", 52, "Примерное время ожидания пятьдесят две минуты"),
        ("ru", 60, "Примерное время ожидания шестьдесят минут"),
        ("pl", 1, "Przybliżony czas oczekiwania jedna minuta"),
        ("pl", 2, "Przybliżony czas oczekiwania dwie minuty"),
        ("pl", 12, "Przybliżony czas oczekiwania dwanaście minut"),
        ("pl", 21, "Przybliżony czas oczekiwania dwadzieścia jeden minut"),
        ("pl", 22, "Przybliżony czas oczekiwania dwadzieścia dwie minuty"),
        ("pl", 25, "Przybliżony czas oczekiwania dwadzieścia pięć minut"),
    ],
)
def test_q6_the_wait_is_said_in_the_right_gender_and_plural(language: str, minutes: int, words: str) -> None:
    assert said(language, book(language).wait(minutes * 60.0)) == words


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 1, "The caller has waited one second"),
        ("en", 62, "The caller has waited one minute two seconds"),
        ("uk", 61, "Клієнт чекав одну хвилину одну секунду"),
        ("uk", 21 * 60, "Клієнт чекав двадцять одну хвилину"),
        ("ru", 122, "Клиент ждал две минуты две секунды"),
        ("ru", 45, "Клиент ждал сорок пять секунд"),
        ("pl", 60, "Klient czekał jedną minutę"),
        ("pl", 81, "Klient czekał jedną minutę dwadzieścia jeden sekund"),
        ("pl", 22 * 60, "Klient czekał dwadzieścia dwie minuty"),
    ],
)
def test_q8_the_answerer_hears_the_wait_in_the_accusative(language: str, seconds: int, words: str) -> None:
    assert said(language, book(language).waited(seconds)) == words


def test_q8_seconds_are_left_out_after_five_minutes_and_nothing_is_too_long() -> None:
    assert said("en", book("en").waited(299.4)).endswith("four minutes fifty nine seconds")
    assert said("en", book("en").waited(340.0)).endswith("waited six minutes")
    assert said("en", book("en").waited(0.0)).endswith("waited zero seconds")
    assert said("en", book("en").waited(1e9)).endswith("nine hundred ninety nine minutes")


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [
        (-3.0, "The waiting time is less than a minute."),
        (59.9, "The waiting time is less than a minute."),
        (60.0, "The waiting time is about one minute"),
        (89.9, "The waiting time is about one minute"),
        (90.0, "The waiting time is about two minutes"),
        (3629.0, "The waiting time is about sixty minutes"),
        (3630.0, "The waiting time is more than an hour."),
    ],
)
def test_q6_the_wait_is_rounded_to_the_nearest_minute(wait_s: float, words: str) -> None:
    assert said("en", book("en").wait(wait_s)) == words


def test_q6_position_is_said_before_the_wait_and_the_first_is_next() -> None:
    english = book("en")
    assert said("en", english.position_and_wait(3, 130.0)) == (
        "Your number in the queue is three The waiting time is about two minutes"
    )
    assert said("en", english.position_and_wait(1, None)) == "Your call is next."
    assert english.position(1000) == ()
    with pytest.raises(ValueError, match="no position 0"):
        english.position(0)


@pytest.mark.parametrize(
    ("language", "new", "old", "words"),
    [
        ("en", 0, 0, "You have no new messages."),
        ("en", 1, 0, "You have one new message"),
        ("en", 2, 1, "You have two new messages one old message"),
        ("en", 0, 3, "You have no new messages. You have three old messages"),
        ("en", 1200, 0, "You have nine hundred ninety nine new messages"),
        ("uk", 1, 0, "У вас одне нове повідомлення"),
        ("uk", 2, 5, "У вас два нові повідомлення п'ять прослуханих повідомлень"),
        ("uk", 21, 1, "У вас двадцять одне нове повідомлення одне прослухане повідомлення"),
        ("uk", 11, 3, "У вас одинадцять нових повідомлень три прослухані повідомлення"),
        ("ru", 1, 21, "У вас одно новое сообщение двадцать одно прослушанное сообщение"),
        ("ru", 4, 12, "У вас четыре новых сообщения двенадцать прослушанных сообщений"),
        ("pl", 1, 1, "Masz jedną nową wiadomość jedną odsłuchaną wiadomość"),
        ("pl", 2, 5, "Masz dwie nowe wiadomości pięć odsłuchanych wiadomości"),
        ("pl", 22, 21, "Masz dwadzieścia dwie nowe wiadomości dwadzieścia jeden odsłuchanych wiadomości"),
    ],
)
def test_messages_are_counted_in_the_right_gender_case_and_plural(
    language: str, new: int, old: int, words: str
) -> None:
    assert said(language, book(language).messages(new, old)) == words


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 59, "Less than a minute ago."),
        ("en", 60, "one minute ago"),
        ("en", 3600, "one hour ago"),
        ("en", 49 * 3600, "two days ago"),
        ("uk", 61, "одну хвилину тому"),
        ("uk", 21 * 3600, "двадцять одну годину тому"),
        ("uk", 2 * 3600, "дві години тому"),
        ("uk", 3 * 86400, "три дні тому"),
        ("ru", 2 * 60, "две минуты назад"),
        ("ru", 21 * 3600, "двадцать один час назад"),
        ("ru", 2 * 86400, "два дня назад"),
        ("pl", 60 * 60, "jedną godzinę temu"),
        ("pl", 22 * 3600, "dwadzieścia dwie godziny temu"),
        ("pl", 86400, "jeden dzień temu"),
        ("pl", 5 * 86400, "pięć dni temu"),
        ("pl", 1e12, "dziewięćset dziewięćdziesiąt dziewięć dni temu"),
    ],
)
def test_how_long_ago_is_said_in_the_right_gender_case_and_plural(
    language: str, seconds: float, words: str
) -> None:
    assert said(language, book(language).ago(seconds)) == words


def test_who_left_a_message_is_spelled_or_said_to_be_withheld() -> None:
    assert said("en", book("en").left_by("+48101")) == "From plus four eight one zero one"
    assert said("en", book("en").left_by("")) == "From a withheld number."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_and_wait_has_its_audio_in_the_language_itself(language: str) -> None:
    spoken = book(language)
    paths = {path for place in range(1, 1000) for path in spoken.position(place)}
    paths.update(path for minutes in range(62) for path in spoken.wait(minutes * 60.0))
    paths.update(path for seconds in range(4000) for path in spoken.waited(seconds))
    paths.update(spoken.digits("+0123456789"))
    paths.update(path for number in range(1000) for path in spoken.messages(number, 999 - number))
    paths.update(path for hours in range(1000 * 24) for path in spoken.ago(hours * 3600.0))
    paths.update(spoken.left_by(""), spoken.left_by("101"), spoken.ago(0), spoken.ago(120.0))
    paths.update(path for place in range(1, 51) for path in spoken.position_and_wait(place, place * 61.0))
    assert {path.parent for path in paths} == {ROOT / language}
    assert all(path.is_file() for path in paths)


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("plural = [", r"\(file\)"),
        ('[[plural]]\nform = "one"\nexactly = [1]', "last rule must have no condition"),
        ('[[plural]]\nform = "one"\nexcatly = [1]', "unknown key 'excatly'"),
        ("[[plural]]\nexactly = [1]", "without a form"),
        ('[[plural]]\nform = "all"\n[unit.hour]\nnumber = "neuter"\nall = "hours"', "no .number.neuter."),
        ('[[plural]]\nform = "all"\n[unit.hour]\none = "hour"', "form 'all' is missing"),
        ('[[plural]]\nform = "all"\n[number.f.last-word]\none = "x"', "number.f"),
        ('[[plural]]\nform = "all"\n[number.f.last]\n1 = "x"', "unknown key 'last'"),
    ],
)
def test_a_grammar_that_cannot_be_used_names_file_and_key(tmp_path: Path, toml: str, complaint: str) -> None:
    path = tmp_path / "grammar.toml"
    path.write_text(toml)
    with pytest.raises(MalformedGrammar, match=complaint) as caught:
        Grammar.load(path)
    assert str(path) in str(caught.value)
