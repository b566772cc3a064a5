"""Channels of a trunk are counted."""

from __future__ import annotations

import pytest

from b2bua.errors import Unavailable
from b2bua.trunk.channels import Channels


def test_a_full_trunk_refuses_the_next_call_until_one_ends() -> None:
    channels = Channels()
    first, _ = channels.take("provider", limit=2), channels.take("provider", limit=2)
    with pytest.raises(Unavailable, match="all 2 channels of trunk provider"):
        channels.take("provider", limit=2)
    first.release()
    first.release()
    channels.take("provider", limit=2)
    assert channels.in_use("provider") == 2


def test_a_call_that_fails_gives_its_channel_back() -> None:
    channels = Channels()
    with pytest.raises(RuntimeError), channels.take("provider", limit=1):
        raise RuntimeError
    assert channels.in_use("provider") == 0


def test_trunks_do_not_share_channels_and_no_limit_means_none() -> None:
    channels = Channels()
    for _ in range(100):
        channels.take("open", limit=None)
    channels.take("provider", limit=1)
    assert (channels.in_use("open"), channels.in_use("provider")) == (100, 1)
