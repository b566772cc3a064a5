"""Ukrainian text to espeak-ng phonemes.

espeak-ng 1.51 guesses the stress of Ukrainian words and weakens unstressed vowels as Russian does. Ukrainian
spelling is close to its sound, so a table of letters and a list of stresses do better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

STRESSES = Path(__file__).resolve().parent / "uk" / "stress.txt"
ACUTE = "\u0301"
CLITICS = frozenset({"в", "у", "з", "за", "до", "на", "не", "та", "і", "що", "ми", "ви", "для"})
"""Words that lean on the next one and have no stress."""

VOWELS = {"а": "A", "е": "E", "и": "I", "і": "i", "о": "o", "у": "u"}
IOTATED = {"я": "A", "ю": "u", "є": "E", "ї": "i"}
CONSONANTS = (
    {"б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "ж": "Z", "з": "z", "й": "j", "к": "k", "л": "l"}
    | {"м": "m", "н": "n", "п": "p", "р": "r", "с": "s", "т": "t", "ф": "f", "х": "x", "ц": "ts", "ч": "tS"}
    | {"ш": "S", "щ": "StS", "дз": "dz", "дж": "dZ"}
)
SOFTENED = frozenset({"д", "т", "з", "с", "ц", "л", "н", "р", "дз"})
"""The consonants that have a soft partner."""

_WORD = re.compile(r"[а-щьюяєіїґ']+", re.IGNORECASE)
_LETTERS = re.compile(r"дз|дж|.")


class MissingStressError(Exception):
    """A word of several vowels that the list of stresses does not have."""

    def __init__(self, word: str) -> None:
        super().__init__(f"{STRESSES} lacks the word {word!r}")


def read_stresses(path: Path = STRESSES) -> dict[str, str]:
    """Return each word of the list with its stress marked, by the word without the mark."""
    listed = path.read_text(encoding="utf-8").partition("\n\n")[2]
    marked = re.findall(rf"[а-щьюяєіїґ'{ACUTE}]+", listed)
    return {word.replace(ACUTE, ""): word for word in marked}


def phonemes(text: str, stresses: Mapping[str, str]) -> str:
    """Return the text with each word as ``[[phonemes]]`` and the punctuation as it was.

    Raises:
        MissingStressError: a word of several vowels is not in ``stresses``.
    """
    joined = re.sub(r"\b([вз]) (?=\w)", r"\1_", text.lower())
    parts = re.split(r"([а-щьюяєіїґ'_]+)", joined)
    return "".join(f"[[{_chunk(part, stresses)}]]" if _WORD.search(part) else part for part in parts)


def _chunk(words: str, stresses: Mapping[str, str]) -> str:
    """Return the phonemes of a word and of the vowelless prepositions that lean on it."""
    *leaning, word = words.split("_")
    return "".join("w" if one == "в" else "z" for one in leaning) + _word(_stressed(word, stresses))


def _stressed(word: str, stresses: Mapping[str, str]) -> str:
    vowels = [at for at, letter in enumerate(word) if letter in VOWELS or letter in IOTATED]
    if len(vowels) > 1:
        if word not in stresses:
            raise MissingStressError(word)
        return stresses[word]
    if not vowels or word in CLITICS:
        return word
    return f"{word[: vowels[0] + 1]}{ACUTE}{word[vowels[0] + 1 :]}"


def _word(word: str) -> str:
    """Return the phonemes of one word whose stressed vowel is followed by an acute accent."""
    letters = _LETTERS.findall(word.replace("ться", "цьця").replace("тся", "ця"))
    spoken = [
        _letter(
            letter,
            before=letters[at - 1] if at else "",
            after=letters[at + 1] if at + 1 < len(letters) else "",
        )
        for at, letter in enumerate(letters)
    ]
    return "".join(spoken)


def _letter(letter: str, *, before: str, after: str) -> str:
    stress = "'" if after == ACUTE else ""
    if letter in VOWELS:
        return stress + VOWELS[letter]
    if letter in IOTATED:
        is_soft = letter != "ї" and before in SOFTENED
        return ("" if is_soft else "j") + stress + IOTATED[letter]
    if letter == "в" and after not in VOWELS.keys() | IOTATED.keys() | {"'"}:
        return "w"
    softens = after in {"ь", "і", "я", "ю", "є"}
    consonant = CONSONANTS.get(letter, "")  # ь, ' and the accent are silent
    return f"{consonant};" if softens and letter in SOFTENED else consonant
