"""vcrpy, set up so that a cassette can be read, holds no key, and is the same wherever it was recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from vcr import VCR, mode  # type: ignore[import-untyped]
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

__all__ = ["FOLDER", "NOWHERE", "mode", "tape"]

FOLDER = Path(__file__).parents[2] / "cassettes"
# Where the calls of a replay go: nothing listens there, and nothing has to.
NOWHERE = "http://127.0.0.1:9/api/v1"

_KEPT_OF_REQUESTS = {"authorization", "content-type"}
_KEPT_OF_ANSWERS = re.compile(r"content-type|retry-after|x-generation-id|x-ratelimit-\w+", re.IGNORECASE)
_SECRETS = re.compile(rb"sk-or-v1-[\w.-]*\w|(?<=\buser_)\w{10,}")


def tape() -> VCR:
    """How cassettes are recorded and replayed. A request is known by method, path, query and body."""
    tape = VCR(
        match_on=("method", "path", "query", "body"),
        filter_headers=[("authorization", "REDACTED")],
        before_record_request=_tidy_request,
        before_record_response=_tidy_answer,
        serializer="readable",
    )
    tape.register_serializer("readable", _Readable)
    return tape


def _tidy_request(request: Any) -> Any:
    url = urlsplit(request.uri)
    request.uri = f"https://openrouter.ai{url.path}" + (f"?{url.query}" if url.query else "")
    request.headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT_OF_REQUESTS}
    return request


def _tidy_answer(answer: dict[str, Any]) -> dict[str, Any]:
    # The body is decompressed already, so the header that tells of a compressed one must not be kept.
    return {
        "status": answer["status"],
        "headers": {name: value for name, value in answer["headers"].items() if _KEPT_OF_ANSWERS.fullmatch(name)},
        "body": {"string": _SECRETS.sub(b"REDACTED", answer["body"]["string"])},
    }


class _Dumper(yaml.SafeDumper):
    """Bodies as blocks of plain text, keys in the order of a conversation."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text or text.startswith(("{", "["))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


_Dumper.add_representer(str, _text)


class _Readable:
    deserialize = staticmethod(yamlserializer.deserialize)

    @staticmethod
    def serialize(cassette: dict[str, Any]) -> str:
        return yaml.dump(cassette, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)
