"""Addresses: which of them only this machine can reach."""

import pytest

from index.address import is_this_machine


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_a_loopback_is_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org"])  # noqa: S104
def test_what_others_may_reach_or_name_is_not(host: str) -> None:
    assert not is_this_machine(host)
