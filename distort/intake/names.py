"""What each photo is called here."""

from __future__ import annotations

import re
import unicodedata

from distort.intake.found import Found
from distort.intake.index import Index

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class Names:
    """Names for photos: legal and unequal on every system (no letter case, no reserved word); known ones are kept."""

    def __init__(self, index: Index, *, keep: bool) -> None:
        """`index` knows the names that are given; `keep`: call a photo as its file, else P0001, P0002 ..."""
        self.index = index
        self.keep = keep

    def of(self, item: Found) -> str:
        """The name of a file, noted in the index; the same file always gets the same name."""
        path = str(item.path)
        name = self.index.name_of(path)
        if not name:
            name = self._kept(item) if self.keep else f"P{self.index.last + 1:04d}"
            self.index.add_key(name, path)
        self.index.name_file(item.path, name)
        return name

    def _kept(self, item: Found) -> str:
        stem = legal_name(item.path.stem)
        folder = legal_name(item.path.parent.name)
        for name in (stem, f"{folder}_{stem}"):
            if not self.index.is_taken(name):
                return name
        count = 2
        while self.index.is_taken(f"{stem}_{count}"):
            count += 1
        return f"{stem}_{count}"


def legal_name(text: str) -> str:
    """A file's stem as a name: letters, digits, `-`, `_` and `.`, at most 80 characters, legal on Windows."""
    plain = unicodedata.normalize("NFC", text)
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in plain).strip("._ ")[:80].rstrip(".")
    if not name or _RESERVED.fullmatch(name):
        return f"photo_{name}".rstrip("_")
    return name
