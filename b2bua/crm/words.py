"""How records in the CRM are called, in the language of the office."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles of one language; ``{who}`` is a number, with where it was found."""

    call_in: str
    """Somebody called."""
    call_out: str
    """One of us called."""
    call_back: str
    """A task: nobody was there."""
    follow_up: str
    """A task: a new customer called."""
    withheld: str
    """Stands for a number that is not known."""


TITLES = {
    "en": Titles(
        call_in="Call from {who}",
        call_out="Call to {who}",
        call_back="Call back {who}",
        follow_up="New customer: {who}",
        withheld="withheld number",
    ),
    "uk": Titles(
        call_in="Дзвінок від {who}",
        call_out="Дзвінок до {who}",
        call_back="Передзвонити: {who}",
        follow_up="Новий клієнт: {who}",
        withheld="прихований номер",
    ),
    "ru": Titles(
        call_in="Звонок от {who}",
        call_out="Звонок на {who}",
        call_back="Перезвонить: {who}",
        follow_up="Новый клиент: {who}",
        withheld="скрытый номер",
    ),
    "pl": Titles(
        call_in="Połączenie od {who}",
        call_out="Połączenie do {who}",
        call_back="Oddzwonić: {who}",
        follow_up="Nowy klient: {who}",
        withheld="numer zastrzeżony",
    ),
}
"""By language of the office."""
