"""What real peers do beyond the book, and what the book demands of us where it is rarely opened."""

from __future__ import annotations

from tests.interop.scenes import PhonePart, Scene, also_over_tcp

ANSWERS = PhonePart("answers", ("-d", "300"))
TALKED = ("talked with Phone",)
LEFT_A_MESSAGE = ("no answer", "left a message")


def _trunk(name: str, trunk: str, *, phone: PhonePart = ANSWERS, over: str = "u1", **extra: str) -> Scene:
    """Return a scene whose caller is the interesting one; ``extra`` are SIPp's keys."""
    return Scene(name, trunk, "talked", TALKED, (phone,), over=over, arguments=keys(**extra))


def _phone(name: str, scenario: str, *, trunk: str = "calls-answered") -> Scene:
    """Return a scene whose phone is the interesting one."""
    return Scene(name, trunk, "talked", TALKED, (PhonePart(scenario, ("-d", "300")),))


def _cancelled(name: str, scenario: str) -> Scene:
    """Return a scene whose phone is cancelled after 2 s."""
    return Scene(name, "leaves-voicemail", "message", LEFT_A_MESSAGE, (PhonePart(scenario),))


def keys(**values: str) -> tuple[str, ...]:
    """Return what puts ``values`` into a scenario."""
    return tuple(word for key, value in values.items() for word in ("-key", key, value))


ACKNOWLEDGED_LATE = _trunk("rfc3261_13_3_1_4_200_comes_again_until_it_is_acknowledged", "acknowledges-late")

NEVER_ACKNOWLEDGED = Scene(
    "rfc3261_13_3_1_4_trunk_that_never_acknowledges_is_hung_up",
    "never-acknowledges-bye",
    "talked",
    ("talked with Phone", "for 32 s"),
    (ANSWERS,),
)
"""Takes 33 s: to begin with."""

TRUNKS = (
    _trunk("rfc3262_3_trunk_requires_100rel", "requires-prack"),
    _trunk("rfc3262_5_rfc3311_5_trunk_is_offered_in_the_180_and_updates", "late-offer-prack-update"),
    _trunk("rfc4028_9_trunk_asks_for_too_short_a_session", "session-timer-422"),
    ACKNOWLEDGED_LATE,
    Scene(
        "rfc3326_trunk_says_why_it_cancels",
        "cancels-with-reason",
        "promise",
        ("hung up while it rang",),
        (PhonePart("rings-cancelled"),),
        rings_s=20,
    ),
    _trunk(
        "rfc3323_4_rfc3325_7_number_that_is_withheld_reaches_no_phone",
        "withholds-number",
        phone=PhonePart("sees-no-number", ("-d", "300")),
    ),
    _trunk(
        "rfc3325_9_number_that_the_trunk_asserts_is_shown",
        "asserts-tel-number",
        phone=PhonePart("sees-the-number", ("-d", "300")),
    ),
    _trunk("rfc3261_18_1_1_large_invite_by_tcp", "large-invite", over="t1", padding="x" * 3000),
    _trunk("rfc3261_8_2_2_2_one_invite_by_two_ways_is_served_once", "forks-to-us-twice-482"),
    Scene(
        "rfc3261_8_2_what_cannot_be_served_is_told_why", "is-told-what-is-wrong", "", (), scheme="voicemail"
    ),
)
PHONES = (
    _phone("rfc3261_12_1_early_media_of_two_and_the_answer_of_one", "early-media-of-three"),
    _phone("rfc3262_4_rfc3311_5_phone_demands_prack_and_updates", "rings-reliably-and-updates"),
    _phone("row_d9_phone_holds_and_resumes", "holds-and-resumes"),
    _phone("row_d10_rfc4028_7_4_phone_is_refreshed", "is-refreshed", trunk="is-hung-up"),
    _phone("row_d10_rfc4028_9_phone_refreshes", "refreshes", trunk="is-hung-up"),
    _phone(
        "row_d10_rfc4028_10_phone_that_stops_refreshing_is_hung_up",
        "stops-refreshing-bye",
        trunk="is-hung-up",
    ),
    _phone("rfc3261_14_1_glare_is_491_for_both_and_ours_comes_again", "glare-491", trunk="is-hung-up"),
    _cancelled("row_d2_rfc3261_9_1_answer_crosses_the_cancel", "answers-the-cancel"),
    _cancelled("row_d2_rfc3261_9_1_missing_487", "never-confirms-the-cancel"),
    _cancelled("row_d2_rfc3261_9_1_answer_4_s_after_the_cancel", "answers-long-after-the-cancel"),
    Scene(
        "row_f8_rfc3326_phone_that_loses_hears_that_it_was_answered_elsewhere",
        "calls-answered",
        "talked",
        TALKED,
        (ANSWERS, PhonePart("hears-it-was-answered-elsewhere")),
    ),
)


AWKWARD = tuple(also_over_tcp(*TRUNKS, *PHONES, but_not=(ACKNOWLEDGED_LATE,)))
"""Over TCP as well but for one: there SIPp takes a 200 that is repeated, as it must be, for another one."""
