from __future__ import annotations

import time

import pytest

from annotate_app.limits import Allowance, Places, network_of


def test_places_are_per_key_and_over_all() -> None:
    """Two of three places for one key; what leaves makes room; an unknown key does not stay in memory."""
    places = Places(2, 3)
    assert [places.enter(key) for key in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    places.leave("a")
    assert [places.enter("c"), places.enter("b")] == [True, False]
    for key in ("a", "b", "c"):
        places.leave(key)
    assert not places.inside


def test_a_key_that_is_shut_out_waits() -> None:
    """For so long and no longer, and nobody else with it."""
    places = Places(1, 1)
    places.shut_out("a", 0.05)
    assert [places.is_shut("a"), places.is_shut("b")] == [True, False]
    time.sleep(0.06)
    assert not places.is_shut("a")


def test_asking_takes_nothing() -> None:
    """What is left can be asked for as often as wanted; taking ends at the key's part."""
    allowance = Allowance(2, 3)
    assert all(allowance.left("a") for _ in range(9))
    assert [allowance.take("a") for _ in range(3)] == [True, True, False]
    assert [allowance.left("a"), allowance.left("b")] == [False, True]
    assert [allowance.take("b"), allowance.take("b")] == [True, False]


V6 = "2001:db8:1:2::/64"


@pytest.mark.parametrize(
    ("address", "key"), [("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", V6), ("2001:db8:1:2::9", V6), ("unknown", "unknown")]
)
def test_an_ipv6_network_counts_as_one(address: str, key: str) -> None:
    """A home has 2^64 addresses of IPv6 and one of IPv4."""
    assert network_of(address) == key
