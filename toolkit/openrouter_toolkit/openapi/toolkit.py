"""A toolkit's files from the chosen operations of an OpenAPI document: manifest, schemas, README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from ..manifest.checks import schema_problems
from ..manifest.definitions import Definition
from ..manifest.file_models import SchemaFile, envelope_schema
from ..text.sanitize import clean, short_name, shorten
from . import servers
from .arguments import Arguments, arguments, json_type
from .authorization import Login, login, requirement
from .document import Document, Json, Unsupported, WrongDocument, mapping, words
from .operations import Operation
from .schemas import TooLarge, Translator
from .wording import action_slug, plain, sentence, split_words, tag, title, with_digest

# A definition is tried with less and less depth, until it has at most so many characters; a model has to read it.
_DEPTHS = {6: 12_000, 5: 12_000, 4: 12_000, 3: 12_000, 2: 12_000, 1: 24_000, 0: 48_000}
_MAX_PARTS = 2_000
_MAX_DESCRIPTION = 700
_TEXT_TYPES = ("text/", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")
# How the paths end of what an API says about the account itself.
_OF_ACCOUNT = frozenset({"me", "@me", "self", "user", "account", "key", "profile", "whoami", "userinfo"})
_NO_LOGIN = """\
# The document describes no login. If the API wants a key, write this in place of `scheme: NO_AUTH`, and under client
# `authorization: Bearer {{api_key}}` (or header, query or basic: see docs/toolkits.md):
#
#   scheme: API_KEY
#   fields:
#     - name: api_key
#       title: API key
#       required: true
#       secret: true
#       environment: {slug}_API_KEY
#       description: The key with which every request is made.
#       steps: [Log in and make a key.]
"""


@dataclass(frozen=True)
class Imported:
    """A toolkit that was made of a document.

    Attributes:
        files: the texts by their paths in the toolkit's folder.
        slugs: its actions.
        skipped: operations that are no actions, by the reason.
        notes: what somebody should know or do.
    """

    files: Mapping[str, str]
    slugs: Sequence[str]
    skipped: Mapping[str, Sequence[str]]
    notes: Sequence[str]


@dataclass(frozen=True)
class _Made:
    """An action: its manifest's row, its schema file, and what it lacks."""

    operation: Operation
    slug: str
    row: Json
    definition: Json
    left_out: list[str]


def import_toolkit(
    document: Document,
    everything: Sequence[Operation],
    chosen: Sequence[Operation],
    *,
    name: str,
    slug: str,
    base_url: str | None = None,
) -> Imported:
    """Make a toolkit of the chosen operations; slugs are unique among `everything`, so that a choice changes none.

    Raises:
        WrongDocument: a reference leaves the document, it has no usable server, or none of the operations can be used.
    """
    address = base_url or servers.base_url(document)
    account = login(document, slug, chosen)
    slugs = _slugs(slug, everything)
    made: list[_Made] = []
    skipped: dict[str, list[str]] = {}
    for operation in chosen:
        try:
            if base_url is None:
                servers.check_address(document, operation)
            made.append(_action(document, operation, slugs[operation.line], slug, account))
        except Unsupported as error:
            skipped.setdefault(shorten(clean(str(error)), 200), []).append(short_name(operation.id, 100))
        except RecursionError:
            skipped.setdefault("has a schema that is nested too deeply", []).append(short_name(operation.id, 100))
    if not made:
        reasons = "; ".join(f"{ids[0]} {reason}" for reason, ids in list(skipped.items())[:3])
        raise WrongDocument(f"none of the operations can be an action: {reasons}")
    notes = [*account.notes, *([] if base_url else servers.notes(document))]
    verify = _verify(document, made, account)
    notes += [*_account_notes(document, made, account, verify), *_left_out(made)]
    notes = [shorten(clean(note), 500) for note in notes]
    manifest = _manifest(document, made, account, name=name, slug=slug, base_url=address, verify=verify)
    texts = {"manifest.yaml": manifest, "README.md": _readme(name, slug, made, account, skipped, notes)}
    texts |= {one.row["schema"]: json.dumps(one.definition, ensure_ascii=False, indent=2) + "\n" for one in made}
    return Imported(texts, [one.slug for one in made], skipped, notes)


def _slugs(toolkit: str, everything: Sequence[Operation]) -> dict[str, str]:
    """The slugs by method and path; the first of several that would be the same keeps it."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for operation in everything:
        slug = action_slug(toolkit, _words(operation), operation.line)
        if slug in used:
            slug = with_digest(slug, operation.line)
        used.add(slug)
        found[operation.line] = slug
    return found


def _words(operation: Operation) -> list[str]:
    return (split_words(operation.id) if operation.has_id else []) or [
        operation.method.capitalize(),
        *split_words(operation.path),
    ]


def _action(document: Document, operation: Operation, slug: str, toolkit: str, account: Login) -> _Made:
    answer = _answer(document, operation)
    problem = "is too large"
    for depth, most in _DEPTHS.items():
        translator = Translator(document, depth=depth, budget=_MAX_PARTS)
        try:
            found = arguments(document, operation, translator, frozenset(account.taken))
        except TooLarge:
            continue
        _without_stream(found, answer)
        definition = _definition(operation, slug, found, answer)
        if len(json.dumps(definition["input_parameters"], ensure_ascii=False)) > most:
            continue
        problem = _definition_problem(definition)
        if not problem:
            row = _row(operation, slug.removeprefix(f"{toolkit}_"), found)
            return _Made(operation, slug, row, definition, found.left_out)
        break
    raise Unsupported(f"has parameters whose definition {problem}")


def _row(operation: Operation, own_slug: str, found: Arguments) -> Json:
    row: Json = {"schema": f"schemas/{own_slug.lower()}.json", "request": f"{operation.method} {found.path}"}
    if found.places:
        row["parameters"] = found.places
    if found.form:
        row["body"] = "form"
    return row


def _definition(operation: Operation, slug: str, found: Arguments, answer: _Answer) -> Json:
    name = _name(operation)
    is_get, is_put, is_delete = (operation.method == method for method in ("GET", "PUT", "DELETE"))
    definition: Json = {
        "slug": slug,
        "name": name,
        "description": _description(operation),
        "tags": list(dict.fromkeys(filter(None, map(tag, operation.tags)))),
        "annotations": {
            "title": name,
            "readOnlyHint": is_get,
            "destructiveHint": is_delete,
            "idempotentHint": is_get or is_put or is_delete,
            "openWorldHint": True,
            "costsMoney": False,
        },
        "input_parameters": {
            "type": "object",
            "properties": found.properties,
            "required": found.required,
            "additionalProperties": False,
        },
    }
    if answer.is_json:
        return {**definition, "data": {"description": answer.description, "contentSchema": answer.schema}}
    return {**definition, "output_parameters": envelope_schema(answer.description)}


def _definition_problem(definition: Json) -> str:
    """Why a definition can't be loaded, or an empty text."""
    try:
        parsed = SchemaFile.model_validate(definition)
    except ValidationError as error:
        return f"is not valid: {error.errors(include_url=False)[0]['msg']}"
    problem = next(schema_problems(Definition.from_data(parsed.model_dump())), None)
    return f"is not valid: {clean(problem)[:200]}" if problem else ""


def _name(operation: Operation) -> str:
    summary = plain(words(operation.content.get("summary")), 200).rstrip(".")
    return summary if 0 < len(summary) <= 60 else title(_words(operation))


def _description(operation: Operation) -> str:
    summary = plain(words(operation.content.get("summary")), 200)
    text = plain(words(operation.content.get("description")), _MAX_DESCRIPTION)
    repeats = text.lower().startswith(summary.lower().rstrip("."))
    parts = [sentence(summary) if summary and not repeats else "", sentence(text)]
    if operation.content.get("deprecated") is True:
        parts.insert(0, "Deprecated.")
    return " ".join(filter(None, parts)) or f"{clean(operation.line)}."


@dataclass(frozen=True)
class _Answer:
    """What comes back when a call succeeds."""

    description: str
    is_json: bool
    schema: Json
    streams: bool


def _answer(document: Document, operation: Operation) -> _Answer:
    """The 2xx answers. Raises `Unsupported` if they are nothing but a stream or binary."""
    responses = mapping(operation.content.get("responses"))
    found = [document.resolved(raw) for status, raw in responses.items() if str(status)[:1] == "2"]
    found = found or [document.resolved(raw) for status, raw in responses.items() if status == "default"]
    contents = [content for one in found if (content := mapping(one.get("content")))]
    kinds = [str(kind).partition(";")[0].strip().lower() for content in contents for kind in content]
    readable = [
        kind for kind in kinds if json_type(kind) or kind.startswith(_TEXT_TYPES) or kind.endswith(("+xml", "/*"))
    ]
    readable = [kind for kind in readable if kind not in ("text/event-stream", "image/*", "audio/*", "video/*")]
    if kinds and not readable:
        what = "a stream of events" if "text/event-stream" in kinds else f"{', '.join(kinds[:3])}, which is no text"
        raise Unsupported(f"answers with {what}")
    description = next(
        (text for one in found if (text := plain(words(one.get("description")), 200))), "The API's answer."
    )
    is_json = bool(contents) and all(any(map(json_type, content)) for content in contents)
    return _Answer(
        sentence(description),
        is_json,
        _answer_schema(document, contents) if is_json else {},
        "text/event-stream" in kinds,
    )


def _answer_schema(document: Document, contents: list[Json]) -> Json:
    """The type of the JSON answers, if it is the same for all."""
    types = []
    for content in contents:
        media = next(media for kind, media in content.items() if json_type(kind))
        try:
            translated = Translator(document, depth=0, budget=_MAX_PARTS).translate(mapping(media).get("schema"))
        except TooLarge:
            return {}
        types.append(translated.get("type"))
    return {"type": types[0]} if types[0] is not None and types.count(types[0]) == len(types) else {}


def _without_stream(found: Arguments, answer: _Answer) -> None:
    """Take `stream` out where it would bring events in place of JSON."""
    if answer.streams and "stream" in found.properties and "stream" not in found.required:
        del found.properties["stream"]
        found.places.pop("stream", None)
        found.left_out.append("stream, which answers with events")


def _left_out(made: Sequence[_Made]) -> list[str]:
    return [f"{one.slug} is without {'; '.join(one.left_out)}" for one in made if one.left_out]


def _verify(document: Document, made: Sequence[_Made], account: Login) -> str | None:
    """The first action that reads without arguments and needs the account; better still, one about the account."""
    if not account.fields:
        return None
    calls = [one for one in made if one.operation.read_only and not one.definition["input_parameters"]["required"]]
    needed = [one for one in calls if requirement(document, one.operation)]
    suiting = [one for one in needed if account.suits(requirement(document, one.operation))]
    possible = suiting or needed or calls
    of_account = [one for one in possible if one.operation.path.rstrip("/").rpartition("/")[2].lower() in _OF_ACCOUNT]
    return next((one.slug for one in of_account or possible), None)


def _account_notes(document: Document, made: Sequence[_Made], account: Login, verify: str | None) -> list[str]:
    if not account.fields:
        return []
    notes = [
        "where the key is to be had is for you to say: auth.fields, steps",
        f"auth.verify is {verify}, which is called to find out whether a key works; another may suit better"
        if verify
        else "auth.verify is missing, as no action reads without arguments: name one, with arguments, by which a key "
        "is tried before it is connected",
    ]
    others = [one.slug for one in made if not account.suits(requirement(document, one.operation))]
    if others:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        notes.append(f"the document asks for another login than this one for {shown}")
    return notes


def _manifest(
    document: Document,
    made: Sequence[_Made],
    account: Login,
    *,
    name: str,
    slug: str,
    base_url: str,
    verify: str | None,
) -> str:
    client: Json = {"base_url": base_url}
    if account.authorization is not None:
        client["authorization"] = account.authorization
    if account.headers:
        client["headers"] = account.headers
    toolkit: Json = {
        "slug": slug,
        "name": name,
        "version": f"{datetime.now(UTC):%Y%m%d}_00",
        "description": plain(words(document.info.get("description")), 300) or f"What agents can do with {name}.",
        "categories": ["other"],
        "links": _links(document, base_url),
        "client": client,
    }
    auth: Json = {"scheme": "API_KEY" if account.fields else "NO_AUTH"}
    if verify:
        auth["verify"] = verify
    if account.fields:
        auth |= {"credential": account.key, "fields": account.fields} if account.key else {"fields": account.fields}
    what = clean(f"{words(document.info.get('title'))} {document.info.get('version', '')}")
    return "\n".join(
        [
            f"# Made from the OpenAPI document {what}; yours to edit. docs/toolkits.md has all keys.",
            _yaml({"toolkit": toolkit}),
            ("" if account.fields else _NO_LOGIN.format(slug=slug)) + _yaml({"auth": auth}),
            _yaml({"actions": [one.row for one in made]}),
        ]
    )


def _links(document: Document, base_url: str) -> dict[str, str]:
    candidates = [
        mapping(document.content.get("externalDocs")).get("url"),
        mapping(document.info.get("contact")).get("url"),
    ]
    for url in [*map(words, candidates), base_url]:
        parts = urlsplit(url) if url.isprintable() and " " not in url else urlsplit("")
        if parts.scheme == "https" and parts.hostname:
            return {"website": url if url != base_url else f"https://{parts.netloc}/"}
    return {}


def _yaml(content: Any) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)


def _readme(
    name: str,
    slug: str,
    made: Sequence[_Made],
    account: Login,
    skipped: Mapping[str, Sequence[str]],
    notes: Sequence[str],
) -> str:
    example = next((one.slug for one in made if not one.definition["input_parameters"]["required"]), None)
    lines = [f"    export {field['environment']}=…" for field in account.fields]
    lines.append("    openrouter-toolkit actions --manifest .")
    if example:
        lines.append(f"    openrouter-toolkit execute {example} --manifest .")
    words = {
        "NAME": name,
        "SLUG": slug,
        "COUNT": str(len(made)),
        "LINES": "\n".join(lines),
        "NOTES": "\n".join(f"- {note}" for note in notes) or "- nothing",
        "SKIPPED": "\n".join(f"- {reason}: {', '.join(ids)}" for reason, ids in skipped.items()) or "- none",
    }
    text = files(__package__).joinpath("README.md.txt").read_text(encoding="utf-8")
    for key, value in words.items():
        text = text.replace(f"@{key}@", value)
    return text
