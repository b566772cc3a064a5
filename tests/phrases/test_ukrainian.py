"""Ukrainian spelling to sound, which the synthesiser is given instead of letters."""

from __future__ import annotations

import importlib
import tomllib
from types import ModuleType

import pytest

from b2bua.phrases import Phrasebook

ROOT = Phrasebook.found()


@pytest.fixture
def ukrainian(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("ukrainian")


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("п'ять", "[[pj'At;]]"),  # the apostrophe keeps the consonant hard and the j heard
        ("дякуємо", "[[d;'AkujEmo]]"),  # я softens, є after a vowel brings a j
        ("у черзі.", "[[u]] [[tS'Erz;i]]."),  # і softens; a preposition has no stress
        ("в черзі", "[[wtS'Erz;i]]"),  # one without a vowel leans on the next word
        ("чекав", "[[tSEk'Aw]]"),  # в closes a syllable as w
        ("очікування", "[[otS'ikuvAnn;A]]"),
        ("Щоб", "[[StS'ob]]"),
        ("лінії", "[[l;'in;iji]]"),
    ],
)
def test_letters_become_sounds(ukrainian: ModuleType, text: str, sound: str) -> None:
    assert ukrainian.phonemes(text, ukrainian.read_stresses()) == sound


def test_every_long_word_of_the_texts_has_its_stress_listed(ukrainian: ModuleType) -> None:
    stresses = ukrainian.read_stresses()
    texts = tomllib.loads((ROOT / "uk" / "texts.toml").read_text(encoding="utf-8"))
    for text in texts.values():
        assert "[[" in ukrainian.phonemes(text, stresses)
    assert all(word.count("\u0301") == 1 for word in stresses.values())


def test_a_word_without_a_listed_stress_is_named(ukrainian: ModuleType) -> None:
    with pytest.raises(ukrainian.MissingStressError, match="'паляниця'"):
        ukrainian.phonemes("Свіжа паляниця", {"свіжа": "сві\u0301жа"})
