"""What manifest.yaml and the schema files may contain, as pydantic models. Their errors name the place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..http.base_url import base_url_problem
from ..http.rest.templates import base_url_template_problem
from .by_hand import with_words
from .toolsets import ALL, DOCUMENTED


def _version(text: str) -> str:
    """Validate a version: a date and a number, as in Composio's versions."""
    date, _, number = text.partition("_")
    try:
        datetime.strptime(date, "%Y%m%d")  # noqa: DTZ007 - a date without a time
    except ValueError:
        date = ""
    if len(date) != 8 or len(number) != 2 or not number.isdigit():
        raise ValueError("a version is a date and a number, like 20261124_00")
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1)]
Link = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?$")]
Version = Annotated[str, AfterValidator(_version)]
ImportPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
# A path's steps are literal characters and arguments, as in `/users/@me` and `/models/{model}:generate`.
_REQUEST = r"^(GET|POST|PUT|PATCH|DELETE) /(([\w.~:@!$&'()*+,;=-]|\{[A-Za-z_]\w*\})+(/|$))*$"
Request = Annotated[str, StringConstraints(pattern=_REQUEST)]


class FileModel(BaseModel):
    """A part of a file: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HeaderTemplate(FileModel):
    """A header, and the template of its value."""

    name: HeaderName
    value: Text


class QueryTemplate(FileModel):
    """A query parameter, and the template of its value."""

    name: Text
    value: Text


class BasicPart(FileModel):
    """The templates of HTTP's Basic authentication."""

    username: str
    password: str


class AuthorizationPart(FileModel):
    """`authorization` of a declared client: header, query or basic. A text is the header Authorization."""

    header: HeaderTemplate | None = None
    query: QueryTemplate | None = None
    basic: BasicPart | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, raw: Any) -> Any:
        return {"header": {"name": "Authorization", "value": raw}} if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.header, self.query, self.basic)) != 1:
            raise ValueError("is a text such as Bearer {api_key}, or one of header, query and basic")
        return self


class ClientPart(FileModel):
    """`toolkit.client` as a description of the API; see `http.rest.DeclaredApi`."""

    base_url: Text
    authorization: AuthorizationPart | None = None
    headers: dict[HeaderName, Text] = {}
    body: Literal["json", "form"] = "json"
    retries: int = Field(2, ge=0, le=10)
    connect_timeout: float = Field(10.0, gt=0, le=3600)
    read_timeout: float = Field(60.0, gt=0, le=3600)
    max_answer_bytes: int = Field(64 * 1024 * 1024, ge=1)

    @field_validator("base_url")
    @classmethod
    def _possible(cls, base_url: str) -> str:
        problem = base_url_template_problem(base_url) if "{" in base_url else base_url_problem(base_url)
        if problem is not None:
            raise ValueError(problem)
        return base_url


class ToolkitPart(FileModel):
    """`toolkit` in the manifest; see `definitions.Toolkit`."""

    slug: Slug
    name: Text
    version: Version
    description: Text
    categories: list[Text] = Field(min_length=1)
    links: dict[str, Link]
    logo: Link | None = None
    client: (
        Annotated[
            Annotated[ImportPath, Tag("(path)")] | Annotated[ClientPart, Tag("(declared)")],
            Discriminator(lambda client: "(path)" if isinstance(client, str) else "(declared)"),
        ]
        | None
    ) = None
    catalogue: Slug | None = None
    earlier_versions: dict[Version, list[Slug]] = {}


class AuthFieldPart(FileModel):
    """An entry of `auth.fields` in the manifest; see `definitions.AuthField`."""

    name: Text
    title: Text
    required: bool
    secret: bool
    description: Text
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    prefix: Text | None = None
    link: Link | None = None
    steps: list[Text] = []


class AuthPart(FileModel):
    """`auth` in the manifest, where `verify` is a slug, or an object of `action` and `arguments`."""

    scheme: Literal["API_KEY", "NO_AUTH"]
    fields: list[AuthFieldPart] = []
    credential: Text | None = None
    verify: Slug | None = None
    verify_arguments: dict[str, Any] = {}
    check: ImportPath | None = None
    browser: ImportPath | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_arguments(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        if "verify_arguments" in raw:
            raise ValueError("verify_arguments is no key; write verify: {action: ..., arguments: {...}}")
        verify = raw.get("verify")
        if not isinstance(verify, dict):
            return raw
        if not {"action"} <= verify.keys() <= {"action", "arguments"}:
            raise ValueError("verify has an action and, where it needs them, arguments")
        if not isinstance(verify.get("arguments", {}), dict):
            raise ValueError("the arguments of verify are an object, such as {name: me}")  # noqa: TRY004 - pydantic's
        return {**raw, "verify": verify["action"], "verify_arguments": verify.get("arguments", {})}


class ParameterPart(FileModel):
    """Where an argument goes, in OpenAPI's words; see `http.rest.Parameter`. A text is `in` alone."""

    place: Literal["path", "query", "header", "body"] = Field(alias="in")
    name: Text | None = None
    style: Literal["form", "spaceDelimited", "pipeDelimited", "deepObject"] = "form"
    explode: bool | None = None
    whole: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, raw: Any) -> Any:
        return {"in": raw} if isinstance(raw, str) else raw


class ActionEntry(FileModel):
    """An entry of the manifest's actions: the schema file, its handler or request, and settings for the registry.

    An action that only sends a request has a `request`, such as `GET /models/{author}`, in place of a `handler`. Its
    arguments go into the path, and by method into the query or the body, unless `parameters` says otherwise.
    """

    schema_file: Text = Field(alias="schema")
    request: Request | None = None
    parameters: dict[Text, ParameterPart] = {}
    body: Literal["json", "form"] | None = None
    handler: ImportPath | None = Field(None, validate_default=True)
    credential: Text | None = None
    aliases: list[Slug] = []
    withdrawn: Text | None = None

    @field_validator("handler")
    @classmethod
    def _or_request(cls, handler: str | None, fields: ValidationInfo) -> str | None:
        if "request" in fields.data and (handler is None) == (fields.data["request"] is None):
            raise ValueError("missing; or a request" if handler is None else "stands beside a request; leave one out")
        return handler


class ToolsetPart(FileModel):
    """An entry of the manifest's toolsets; its `credential` is that of its actions. See `toolsets.FurtherToolset`."""

    description: Text
    credential: Text | None = None
    actions: list[ActionEntry] = Field(min_length=1)


class ManifestFile(FileModel):
    """The content of manifest.yaml.

    `common_parameters` are those that every action takes, by name. `actions` are what a host sees without asking;
    those of `toolsets` it sees if it chooses them by name.
    """

    toolkit: ToolkitPart
    auth: AuthPart
    common_parameters: dict[Annotated[str, StringConstraints(pattern=r"^[a-z]\w*$")], dict[str, Any]] = {}
    actions: list[ActionEntry] = Field(min_length=1)
    toolsets: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")], ToolsetPart] = {}

    @field_validator("toolsets")
    @classmethod
    def _not_reserved(cls, toolsets: dict[str, ToolsetPart]) -> dict[str, ToolsetPart]:
        for name in (ALL, DOCUMENTED):
            if name in toolsets:
                raise ValueError(f"{name} is no name for a toolset: it stands for {_RESERVED[name]}")
        return toolsets

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all actions: those of `actions` first, then those of each toolset."""
        for number, entry in enumerate(self.actions):
            yield Row(("actions", number), entry, DOCUMENTED)
        for name, part in self.toolsets.items():
            for number, entry in enumerate(part.actions):
                own = entry if entry.credential else entry.model_copy(update={"credential": part.credential})
                yield Row(("toolsets", name, "actions", number), own, name)


class Row(NamedTuple):
    """A row of the manifest's actions: where it stands, what it says, and its toolset."""

    steps: tuple[str | int, ...]
    entry: ActionEntry
    toolset: str


_RESERVED = {ALL: "all of them", DOCUMENTED: "what stands under actions"}


class AnnotationsPart(FileModel):
    """`annotations` in a schema file; see `definitions.Annotations`."""

    title: Text
    readOnlyHint: bool
    destructiveHint: bool
    idempotentHint: bool
    openWorldHint: bool
    costsMoney: bool


class BriefPart(FileModel):
    """`brief` in a schema file; see `definitions.Brief`."""

    rows: Text
    columns: dict[Text, Text] = Field(min_length=1)
    legend: Text


class SchemaFile(FileModel):
    """A schema file: the definition of one action for models.

    The file has either `output_parameters`, or `data`: the schema of what the envelope's `data` holds as text, from
    which `output_parameters` are made. Where `input_parameters` were made from a specification, `by_hand` has the words
    and whatever else was written about them; see `by_hand.with_words`.
    """

    slug: Slug
    name: Text
    description: Text
    tags: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]]
    annotations: AnnotationsPart
    input_parameters: dict[str, Any]
    output_parameters: dict[str, Any]
    brief: BriefPart | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_words(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "by_hand" not in raw:
            return raw
        by_hand, made = raw["by_hand"], raw.get("input_parameters")
        if not (isinstance(by_hand, dict) and isinstance(made, dict) and isinstance(made.get("properties"), dict)):
            raise ValueError("by_hand is an object about the properties of input_parameters")  # noqa: TRY004 - pydantic's
        others = {name: value for name, value in raw.items() if name != "by_hand"}
        return {**others, "input_parameters": with_words(made, by_hand)}

    @model_validator(mode="before")
    @classmethod
    def _with_envelope(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "data" not in raw:
            return raw
        data = raw["data"]
        if "output_parameters" in raw or not isinstance(data, dict) or data.keys() != {"description", "contentSchema"}:
            raise ValueError("data is an object of description and contentSchema, in place of output_parameters")
        envelope = envelope_schema(
            data["description"], contentMediaType="application/json", contentSchema=data["contentSchema"]
        )
        return {name: value for name, value in raw.items() if name != "data"} | {"output_parameters": envelope}


def envelope_schema(description: str, **holds: Any) -> dict[str, Any]:
    """The `output_parameters` of an action whose `data` is described; `holds` are further keywords for that text."""
    failure = "When the call failed: JSON whose error key holds type, message, status, retryable and more."
    return {
        "type": "object",
        "properties": {
            "data": {"type": "string", "description": f"{description} {failure}", **holds},
            "error": {
                "type": ["string", "null"],
                "description": "What went wrong and what to do next; null on success.",
            },
            "successful": {"type": "boolean", "description": "Whether the action did what it was asked."},
        },
        "required": ["data", "successful"],
        "additionalProperties": False,
    }
