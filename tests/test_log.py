"""What the program writes about itself."""

from __future__ import annotations

import io
import logging

import pytest
import structlog

from b2bua import log


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    log.set_up(stream=stream)
    return stream


def test_a_traceback_names_the_error_but_no_values_of_variables(written: io.StringIO) -> None:
    def log_in(password: str) -> None:
        raise ValueError("refused")

    try:
        log_in("".join(("hunter", "2")))
    except ValueError:
        structlog.get_logger("a test").exception("failed")
    assert "ValueError: refused" in written.getvalue()
    assert "hunter2" not in written.getvalue()


def test_a_library_that_sees_every_change_in_a_folder_does_not_tell_of_it(written: io.StringIO) -> None:
    logging.getLogger("watchfiles.main").info("1 change detected")
    assert written.getvalue() == ""
