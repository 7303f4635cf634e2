"""The OpenAPI of the application: what the routes themselves don't say: media types, forms, refusals, and who may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from annotate_app.access import ROUTES

Values = dict[str, Any]
MEDIA = (
    ("/o/card/", ("image/png",)),
    ("/o/plate/", ("image/png",)),
    ("/o/example/", ("image/png",)),
    ("/o/papers/", ("text/plain",)),
    ("/o/next.ics", ("text/calendar",)),
    ("/c/photos/", ("image/png", "image/jpeg")),
    ("/c/originals/", ("image/jpeg",)),
    ("/c/variety.svg", ("image/svg+xml",)),
    ("/c/studies/{name}/images/", ("image/png",)),
)
"""What other routes than pages answer, by the start of their path; a path that ends in .csv answers text/csv."""
PROGRAMS = ("/api/", "/image/", "/healthz", "/readyz")
UPLOAD = "/c/uploads/{batch}/{name}"
REFUSED: Values = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
    "required": ["error", "message"],
    "additionalProperties": False,
}
FORM: Values = {
    "type": "object",
    "properties": {"form_token": {"type": "string", "description": "The token of the page that the form stands on."}},
    "required": ["form_token"],
    "additionalProperties": {"type": "string"},
}


def describe(app: FastAPI) -> None:
    """Let the application's OpenAPI say the whole of every route."""
    plain = app.openapi

    def whole() -> Values:
        if app.openapi_schema is None:
            made = plain()
            for path, item in made["paths"].items():
                for method, operation in item.items():
                    _complete(method.upper(), path, operation)
            for unused in ("HTTPValidationError", "ValidationError"):
                made.get("components", {}).get("schemas", {}).pop(unused, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def _complete(method: str, path: str, operation: Values) -> None:
    """Add to one operation what its route leaves open."""
    entry = ROUTES[f"{method} {path if path != UPLOAD else path.replace('{name}', '{name:path}')}"]
    operation["x-roles"] = sorted(entry.roles)
    answers = operation["responses"]
    answers.pop("422", None)
    answers["4XX"] = {"description": "Refused, in one line.", "content": _refusals(path)}
    answers["503"] = {"description": "Not able to now; try again.", "content": _refusals(path)}
    if entry.json:
        said = {"name": "X-Dermiqa", "in": "header", "required": True, "schema": {"type": "string", "enum": ["1"]}}
        operation["parameters"] = [*operation.get("parameters", []), said]
    if path == UPLOAD:
        operation["requestBody"] = _body("application/octet-stream", {"type": "string", "format": "binary"})
    elif not path.startswith(PROGRAMS):
        _page(method, path, operation)


def _page(method: str, path: str, operation: Values) -> None:
    """A page: what it answers, where it may lead, and the form that it takes."""
    answers = operation["responses"]
    kinds = next((kinds for start, kinds in MEDIA if path.startswith(start)), ("text/html",))
    if path.endswith(".csv"):
        kinds = ("text/csv",)
    elif (method, path) == ("POST", "/c/studies/{name}/observers"):
        kinds = ("text/html", "text/csv")
    answers["200"] = {"description": "The page.", "content": {kind: {"schema": {"type": "string"}} for kind in kinds}}
    answers["303"] = {"description": "Go on there.", "headers": {"Location": {"schema": {"type": "string"}, "required": True}}}
    if (method, path) == ("POST", "/c/uploads/{batch}"):
        files = {"type": "array", "items": {"type": "string", "format": "binary"}}
        operation["requestBody"] = _body("multipart/form-data", {**FORM, "properties": {**FORM["properties"], "files": files}})
        operation["requestBody"]["content"]["application/x-www-form-urlencoded"] = {"schema": FORM}
    elif method == "POST":
        operation["requestBody"] = _body("application/x-www-form-urlencoded", FORM)


def _refusals(path: str) -> Values:
    """A refusal as programs read it, and as a page where people come by."""
    said: Values = {"application/json": {"schema": REFUSED}}
    return said if path.startswith(PROGRAMS) else {**said, "text/html": {"schema": {"type": "string"}}}


def _body(kind: str, schema: Mapping[str, Any]) -> Values:
    return {"required": True, "content": {kind: {"schema": dict(schema)}}}
