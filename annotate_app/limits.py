"""Limits by address on what costs the server much: so many within a minute, so many at once."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter, deque


class Allowance:
    """What may be taken within a window, per key and over all. A refused call takes nothing, so one key can't use up the others' part."""

    def __init__(self, per_key: int, overall: int, window: float = 60.0) -> None:
        self.per_key, self.overall, self.window = per_key, overall, window
        self.taken: deque[tuple[float, str]] = deque()
        self.lock = threading.Lock()

    def left(self, key: str) -> bool:
        """Whether one could be taken now; takes nothing."""
        return self._taken(key, 0)

    def take(self, key: str) -> bool:
        """Take one; False, and nothing is taken, where the key's part or the whole is used up."""
        return self._taken(key, 1)

    def _taken(self, key: str, count: int) -> bool:
        moment = time.monotonic()
        with self.lock:
            while self.taken and moment - self.taken[0][0] > self.window:
                self.taken.popleft()
            if len(self.taken) >= self.overall or sum(1 for _, held in self.taken if held == key) >= self.per_key:
                return False
            self.taken.extend(count * [(moment, key)])
            return True


class Places:
    """How many may be inside at once, per key and over all; a key can be shut out for a while."""

    def __init__(self, per_key: int, overall: int) -> None:
        self.per_key, self.overall = per_key, overall
        self.inside: Counter[str] = Counter()
        self.shut: dict[str, float] = {}
        self.lock = threading.Lock()

    def enter(self, key: str) -> bool:
        """Take a place; False, and none is taken, where the key's places or all are taken."""
        with self.lock:
            if self.inside.total() >= self.overall or self.inside[key] >= self.per_key:
                return False
            self.inside[key] += 1
            return True

    def leave(self, key: str) -> None:
        """Give a place back."""
        with self.lock:
            self.inside[key] -= 1
            self.inside += Counter()

    def shut_out(self, key: str, seconds: float) -> None:
        """Let a key wait so long."""
        with self.lock:
            now = time.monotonic()
            self.shut = {name: until for name, until in self.shut.items() if until > now} | {key: now + seconds}

    def is_shut(self, key: str) -> bool:
        """Whether a key must wait."""
        with self.lock:
            return self.shut.get(key, 0.0) > time.monotonic()


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, the /64 network of an IPv6 address, or whatever text it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
