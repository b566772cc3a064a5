"""What pytest-rerunfailures leaves undone: to end what only the second try has set up for a whole module.

It puts what the first try set up into the place of that. An office that a module shares would serve the next
modules too then, which ask for others.
"""

from __future__ import annotations

import pytest
from pytest_rerunfailures import suspended_finalizers


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Have the ends of both tries known before the first one's are put back; once is as good as twice."""
    stack = item.session._setupstate.stack
    for node, (ends, _) in suspended_finalizers.items():
        if node in stack and stack[node][0] is not ends:
            ends.extend(stack[node][0])
