"""Forms of pages: read whole within limits, refused without the token of this browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import HTTPException, Request

from annotate_app.security import form_token_fits

LARGEST = 64 * 1024
FIELDS = 500


@dataclass(frozen=True)
class Form:
    """A form's fields: name -> values, in the order sent."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The first value of a field, an empty text where it is missing."""
        return self.fields.get(name, [""])[0]


async def form_of(request: Request) -> Form:
    """The form of a request (urlencoded, at most 64 kB). Raises 413, 415 or 400; 403 without the browser's own token."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form was expected")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise HTTPException(413, "the form is too large")
    try:
        fields = parse_qs(bytes(body).decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400, "the form can't be read") from None
    if any("\0" in value for values in fields.values() for value in values):
        raise HTTPException(400, "the form can't be read")
    if not form_token_fits(request.app.state.key, request, fields.get("form_token", [""])[0]):
        raise HTTPException(403, "the form has run out: load the page again")
    return Form(fields)
