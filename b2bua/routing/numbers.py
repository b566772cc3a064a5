"""Telephone numbers in the one form in which they are compared: E.164 with a plus."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    shortnumberinfo,
)

SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
DIALLABLE = re.compile(r"\+?[0-9]+")
POST_DIAL = re.compile(
    r"(?:tel:)?(\+?[0-9][0-9 ().\-/]*)([,pPwW][0-9*#,pPwW .()\-]*)?(;[^\s]*)?", re.IGNORECASE | re.ASCII
)
PARAMETER = re.compile(r";(postd|ext)=([0-9*#,pPwW.()\-]+)", re.IGNORECASE | re.ASCII)
PAUSES = str.maketrans({"p": ",", "P": ",", "W": "w"})
LONGEST_SHORT = 6
"""Digits: 116 123 is the longest kind there is."""
COUNTRY_CODES = frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))
SHORTEST_REST, LONGEST_REST = 2, 17
"""Digits behind the code of a country, within which the library believes a number."""
NOTHING = "(?!)"
"""Matches nowhere."""
SHORTEST_NATIONAL = 8
"""Digits of a number that is believed without being in the tables; what is shorter may be an extension."""


def part_post_dial(text: str) -> tuple[str, str]:
    """Return the number of ``+48600100200,555`` and what to press once it has answered: ``,555``.

    Pauses are ``,`` (also written ``p``) and ``w``. Links such as ``tel:+48600100200;postd=p555`` and
    ``;ext=555`` (RFC 3966 §5.3; it is pressed after a pause) are read as well; other text stays as it is.
    """
    match = POST_DIAL.fullmatch(text.strip())
    if match is None:
        return text, ""
    number, after, parameters = match[1].strip(), match[2] or "", match[3] or ""
    for name, value in PARAMETER.findall(parameters):
        after += value if name.lower() == "postd" else f",{value}"
    if PARAMETER.sub("", parameters):
        return text, ""  # another parameter means another number
    return number, SEPARATORS.sub("", after).translate(PAUSES)


@lru_cache(maxsize=512)
def normalise(text: str, *, country: str) -> str:
    """Return ``+48221234567`` for every way in which that number is written in the country.

    Short and emergency numbers, extensions and whatever is no number (``sales``) stay as they are.
    ``country`` is an ISO 3166 code.
    """
    number = SEPARATORS.sub("", text)
    if not DIALLABLE.fullmatch(number):
        return text
    if number.startswith("+"):
        return _e164_of_global(number) or number
    if is_short(number, country=country):
        return number
    # "48221234567": many trunks send E.164 without its plus
    international = "+" + number.removeprefix("00")
    known = _e164(number, country) or _e164(international)
    if known or len(number) < SHORTEST_NATIONAL:
        return known or number
    # numbering plans grow faster than the tables
    return _e164(number, country, is_known=False) or _e164(international, is_known=False) or number


COSTLY = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    phonenumbers.PhoneNumberType.PAGER,
}
NO_COUNTRY = "001"
"""Region of satellites and the like."""


def callable_number(text: str, *, country: str) -> str:
    """Return the E.164 number that a stranger wants to be called at.

    Raises:
        ValueError: it is none, a short or emergency number, or one of those that are costly everywhere.
    """
    number = normalise(text, country=country)
    if is_short(number.removeprefix("+"), country=country):
        raise ValueError("is a short or emergency number, which is nobody's")
    parsed = _parse(number, None) if number.startswith("+") and DIALLABLE.fullmatch(number) else None
    if parsed is None or not phonenumbers.is_valid_number(parsed):  # else a slip of the finger is believed
        raise ValueError("is no telephone number, expected for example +48600100200")
    kind = phonenumbers.number_type(parsed)
    is_nowhere = phonenumbers.region_code_for_number(parsed) == NO_COUNTRY
    if kind in COSTLY or (is_nowhere and kind != phonenumbers.PhoneNumberType.TOLL_FREE):
        raise ValueError("is a number of those that cost whoever calls them more than others")
    return number


def is_abroad(number: str, *, country: str) -> bool:
    """Return whether an E.164 number is not one of the country."""
    parsed = _parse(number, None)
    return parsed is None or phonenumbers.region_code_for_number(parsed) != country


def significant(number: str) -> str:
    """Return a number without its country: 600100200 of +48600100200. What is not E.164 stays."""
    parsed = _parse(number, None)
    return str(phonenumbers.national_significant_number(parsed)) if parsed else number


def is_whole(number: str) -> bool:
    """Return whether a normalised number is one of the numbering plan of its country."""
    return _e164(number) is not None


def is_short(number: str, *, country: str) -> bool:
    """Return whether it is an emergency or another public short number of the country, e.g. 112 or 116123."""
    if is_emergency(number, country=country):
        return True
    if len(number) > LONGEST_SHORT:
        return False
    parsed = _parse(number, country)
    return parsed is not None and bool(shortnumberinfo.is_valid_short_number_for_region(parsed, country))


def is_emergency(number: str, *, country: str) -> bool:
    """Return whether the number calls the police, an ambulance or the fire brigade there."""
    return bool(shortnumberinfo.is_emergency_number(number, country))


def _e164(number: str, country: str | None = None, *, is_known: bool = True) -> str | None:
    parsed = _parse(number, country)
    if parsed is None:
        return None
    is_good = (
        phonenumbers.is_valid_number(parsed)
        if is_known
        else phonenumbers.is_possible_number_with_reason(parsed) == ValidationResult.IS_POSSIBLE
    )
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)) if is_good else None


def _e164_of_global(number: str) -> str | None:
    """Return the E.164 form of what begins with ``+``, if it is a number of some numbering plan.

    Nearly all are written so already; the tables need not be asked whether they are numbers then.
    """
    if _is_as_written(number):
        return number
    parsed = _parse(number, None)
    if parsed is None:
        return None
    written = str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
    return written if written == number or phonenumbers.is_valid_number(parsed) else None


def _is_as_written(number: str) -> bool:
    """Whether nothing could be left out of what begins with ``+``, as the 0 of ``+44 0 20…`` could.

    That takes a tenth of the time in which it is parsed.
    """
    code = next((number[1:end] for end in (2, 3, 4) if number[1:end] in COUNTRY_CODES), None)
    if code is None:
        return False
    rest = number[1 + len(code) :]
    return SHORTEST_REST <= len(rest) <= LONGEST_REST and _trunk_prefix(code).match(rest) is None


@cache
def _trunk_prefix(code: str) -> re.Pattern[str]:
    """Return what people of the country with that code dial before a number, and others must not."""
    region = COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    return re.compile((metadata and metadata.national_prefix_for_parsing) or NOTHING)


def _parse(number: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, country)
    except NumberParseException:
        return None
