"""What handlers last said about whom, for the time when they are down."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from b2bua.http.client import Answer

MOST_CALLERS = 10_000
"""Those who have not called for longest are forgotten."""
Asked = tuple[str, str, str]
"""Webhook, caller, number dialled."""


@dataclass(slots=True)
class LastAnswers:
    """The last good answer of each handler for each caller; forgotten at a restart."""

    _answers: OrderedDict[Asked, Answer] = field(default_factory=OrderedDict)

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Remember an answer that led somewhere."""
        self._answers[asked] = answer
        self._answers.move_to_end(asked)
        if len(self._answers) > MOST_CALLERS:
            self._answers.popitem(last=False)

    def find(self, asked: Asked) -> Answer | None:
        """Return the last good answer."""
        return self._answers.get(asked)
