"""Errors: each is one line that says what was found, where, what was expected and what to do.

DermiqaError                      everything that a user can mend; the command line prints it as one line
|-- UsageFault                    the call was wrong (exit 2)
|-- WorkspaceFault                a folder, a settings file or a lock is not as it should be (exit 1)
|-- PhotoFault                    one photo can't be read or may not be used
|-- TableFault                    a CSV lacks a column or holds a bad cell
|-- StudyFault                    a study is not in the state that the call needs
|   `-- VoteRefused               a vote that may not be stored; carries the HTTP status
|-- DatabaseFault                 a database is missing, newer or locked
|-- DatasetFault                  a public set, a split or a cache is not what it claims
`-- ModelFault                    a model folder or weights can't be used
    `-- MissingExtra              an optional part is not installed; names the extra (exit 2)
"""

from __future__ import annotations


class DermiqaError(Exception):
    """Base of all errors that a user can mend; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageFault(DermiqaError):
    """The call was wrong."""

    exit_code = 2


class WorkspaceFault(DermiqaError):
    """A folder, a settings file or a lock is not as it should be."""


class PhotoFault(DermiqaError):
    """One photo can't be read or may not be used."""


class TableFault(DermiqaError):
    """A table lacks a column or holds a bad cell."""


class StudyFault(DermiqaError):
    """A study is not in the state that the call needs."""


class VoteRefused(StudyFault):
    """A vote that may not be stored; `status` is the HTTP status of the answer and `code` a word for machines."""

    def __init__(self, message: str, *, status: int = 409, code: str = "refused") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class DatabaseFault(DermiqaError):
    """A database is missing, newer than this program, or locked."""


class DatasetFault(DermiqaError):
    """A public set, a split file or a cache is not what it claims to be."""


class ModelFault(DermiqaError):
    """A model folder or a weights file can't be used."""


class MissingExtra(ModelFault):
    """An optional part is not installed; the message names the extra to install."""

    exit_code = 2

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: pip install 'dermiqa[{extra}]'")
        self.extra = extra


def nearest(word: str, known: list[str]) -> str:
    """A hint ` (did you mean ...?)` with the nearest known word, or an empty text."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""
