"""Reads an OpenAPI document, JSON or YAML, within limits; references are followed inside the document alone."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import yaml

from ..text.json_text import InvalidJson, parse_json
from ..text.sanitize import quoted

Json = dict[str, Any]

_MAX_JSON = 64 * 1024 * 1024
# YAML takes about fifty times as long as JSON, and a hundred times its size in memory.
_MAX_YAML = 16 * 1024 * 1024
_MAX_HOPS = 20


class WrongDocument(Exception):
    """The document can't be imported; the message says why and what to do."""


class Unsupported(Exception):
    """One operation can't be an action, or one part of it can't be sent; the message is the reason."""


class Document:
    """An OpenAPI 3.0 or 3.1 document, whose content is checked where it is used."""

    def __init__(self, content: Any) -> None:
        """Raises `WrongDocument` if it is no such document."""
        if not isinstance(content, dict):
            raise WrongDocument("this is no OpenAPI document: it must be an object with openapi, info and paths")
        if "swagger" in content:
            raise WrongDocument(
                f"this is Swagger {quoted(str(content['swagger']), 10)}, not OpenAPI 3; convert it first, for example "
                "by npx swagger2openapi OLD.json --outfile NEW.json, or by editor.swagger.io"
            )
        version = str(content.get("openapi", ""))
        if not re.match(r"3\.[012](\.|$)", version):
            found = f"openapi is {quoted(version, 20)}" if version else "it has no key openapi"
            raise WrongDocument(f"this is no OpenAPI 3.0 or 3.1 document: {found}")
        self.content: Json = content

    @classmethod
    def parse(cls, data: bytes, *, name: str = "") -> Document:
        """Parse a file's bytes; the name's ending says whether they are JSON or YAML, else the first character does.

        Raises:
            WrongDocument: it is too large, or no valid JSON or YAML (with the line), or no OpenAPI 3 document.
        """
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise WrongDocument("it is not UTF-8 text") from None
        ending = name.lower().rpartition(".")[2]
        is_json = ending == "json" or (ending not in ("yaml", "yml") and text.lstrip()[:1] == "{")
        limit, kind = (_MAX_JSON, "JSON") if is_json else (_MAX_YAML, "YAML")
        if len(data) > limit:
            advice = "" if is_json else "; convert it to JSON, of which more is read"
            raise WrongDocument(f"it is larger than {limit // 1024**2} MiB, the most that is read of {kind}{advice}")
        return cls(_parse_json(text) if is_json else _parse_yaml(text))

    @property
    def info(self) -> Json:
        """The document's `info`."""
        return mapping(self.content.get("info"))

    @property
    def components(self) -> Json:
        """The document's `components`."""
        return mapping(self.content.get("components"))

    def resolved(self, node: Any) -> Json:
        """An object, or the one that its `$ref` leads to.

        Raises:
            WrongDocument: the reference leaves the document.
            Unsupported: it leads nowhere, in a circle, or to no object.
        """
        for _ in range(_MAX_HOPS):
            if not isinstance(node, dict):
                raise Unsupported("the document has no object where one belongs")
            if "$ref" not in node:
                return node
            node = self.target(node["$ref"])
        raise Unsupported("its references lead in a circle")

    def target(self, reference: Any) -> Any:
        """What a reference points at; raises as `resolved` does."""
        named = quoted(str(reference))
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise WrongDocument(
                f"the reference {named} leads out of the document, and nothing else is read; make one document of all "
                "first, for example by npx @redocly/cli bundle FILE --output ONE.yaml"
            )
        node: Any = self.content
        for step in reference[1:].split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isdecimal() and len(key) < 9 and int(key) < len(node):
                node = node[int(key)]
            elif isinstance(node, dict) and key in node:
                node = node[key]
            else:
                raise Unsupported(f"the reference {named} leads nowhere")
        return node


def mapping(value: Any) -> Json:
    """The value if it is an object, else an empty one: an optional part of the document."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Any) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def _parse_json(text: str) -> Any:
    try:
        return parse_json(text)
    except InvalidJson as error:
        raise WrongDocument(f"no valid JSON: {error}") from None


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be parsed"
        raise WrongDocument(f"no valid YAML: {reason}{place}") from None
    except RecursionError:
        raise WrongDocument("no valid YAML: it is nested too deeply") from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML as OpenAPI means it: values are JSON's, so dates and `no` are texts, and keys are texts."""

    # By first character, as PyYAML looks them up; YAML 1.1's dates, `yes`, octals and 60-based numbers are left out.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge `<<` keys, each key once: nested merges would multiply otherwise."""
        super().flatten_mapping(node)
        once = {(key.tag, str(key.value)): (key, value) for key, value in node.value}
        node.value = list(once.values())

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Json:
        """Build an object; a status that is written as a number becomes a text."""
        self.flatten_mapping(node)
        pairs = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
            pairs[str(key.value)] = self.construct_object(value, deep=deep)
        return pairs


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), ["<"])
