"""Typed definitions of a manifest and its schemas, and the action that the registry uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..validation.arguments import ArgumentValidator
from .clients import takes_credentials


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
Request = Annotated[str, StringConstraints(pattern=r"^(GET|POST|PUT|PATCH|DELETE) (/([\w.~-]+|\{[A-Za-z_]\w*\}))+$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Toolkit(_Model):
    """The toolkit's name, version and links, and the factory of its handlers' client.

    `earlier_versions` names the actions of each earlier version, for hosts that pin one.
    """

    slug: Slug
    name: Text
    version: Version
    description: Text
    categories: list[Text] = Field(min_length=1)
    links: dict[str, Link]
    logo: Link | None = None
    client: ImportPath | None = None
    earlier_versions: dict[Version, list[Slug]] = {}

    def versions(self, slug: str | None = None) -> list[str]:
        """The current version and the earlier ones, latest first; with a slug only those that have this action."""
        earlier = [version for version, slugs in self.earlier_versions.items() if slug is None or slug in slugs]
        return [self.version, *sorted(earlier, reverse=True)]


class AuthField(_Model):
    """One field of an account, such as an API key."""

    name: Text
    title: Text
    required: bool
    secret: bool
    description: Text
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    link: Link | None = None
    steps: list[Text] = []


class Auth(_Model):
    """How an account is connected: the scheme, its fields, and how a key is verified.

    `credential` names the field of the main key; it is optional if only one field can be the key, see `key`.
    `verify` is the action that verifies a key, with `verify_arguments`; in the manifest it is a slug, or an object of
    `action` and `arguments`. `check` is a function of the field's name and the action's answer, which returns why
    the key is not suitable for that field, or None. `browser` creates the browser login from the client's options;
    see `connecting.BrowserLogin`.
    """

    scheme: Literal["API_KEY", "NO_AUTH"]
    fields: list[AuthField] = []
    credential: Text | None = None
    verify: Slug | None = None
    verify_arguments: dict[str, Any] = Field({}, exclude=True)
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

    @property
    def keys(self) -> list[AuthField]:
        """The fields that can be the key: that of `credential`, else required secrets, other secrets, or all fields."""
        if self.credential is not None:
            return [field for field in self.fields if field.name == self.credential]
        secret = [field for field in self.fields if field.secret]
        return [field for field in secret if field.required] or secret or self.fields

    @property
    def key(self) -> AuthField:
        """The field of the main key, used unless the action prefers another field. Only for the scheme API_KEY."""
        (key,) = self.keys
        return key

    @property
    def needed(self) -> list[str]:
        """The names of the fields that an account requires."""
        return [field.name for field in self.fields if field.required or field in self.keys]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by field, the key's first."""
        fields = sorted(self.fields, key=lambda field: field not in self.keys)
        return {field.name: field.environment for field in fields if field.environment}


class ActionEntry(_Model):
    """An entry of the manifest's actions: the schema file, its handler or request, and settings for the registry.

    An action that only sends a request has a `request`, such as `GET /models/{author}`, in place of a `handler`.
    """

    schema_file: Text = Field(alias="schema")
    request: Request | None = None
    handler: ImportPath | None = Field(None, validate_default=True)
    credential: Text | None = None
    aliases: list[Slug] = []

    @field_validator("handler")
    @classmethod
    def _or_request(cls, handler: str | None, fields: ValidationInfo) -> str | None:
        if "request" in fields.data and (handler is None) == (fields.data["request"] is None):
            raise ValueError("missing; or a request" if handler is None else "stands beside a request; leave one out")
        return handler


class Manifest(_Model):
    """The content of manifest.yaml. `common_parameters` are those that every action takes, by name."""

    toolkit: Toolkit
    auth: Auth
    common_parameters: dict[Annotated[str, StringConstraints(pattern=r"^[a-z]\w*$")], dict[str, Any]] = {}
    actions: list[ActionEntry] = Field(min_length=1)


class Annotations(_Model):
    """MCP's hints about an action, and whether a call costs money."""

    title: Text
    readOnlyHint: bool
    destructiveHint: bool
    idempotentHint: bool
    openWorldHint: bool
    costsMoney: bool


class Brief(_Model):
    """A list's summary for a model: JMESPath to its rows, an expression for each column, and their meaning."""

    rows: Text
    columns: dict[Text, Text] = Field(min_length=1)
    legend: Text


class Definition(_Model):
    """A schema file: the definition of one action for models.

    The file has either `output_parameters`, or `data`: the schema of what the envelope's `data` holds as text, from
    which `output_parameters` are made.
    """

    slug: Slug
    name: Text
    description: Text
    tags: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]]
    annotations: Annotations
    input_parameters: dict[str, Any]
    output_parameters: dict[str, Any]
    brief: Brief | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_envelope(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "data" not in raw:
            return raw
        data = raw["data"]
        if "output_parameters" in raw or not isinstance(data, dict) or data.keys() != {"description", "contentSchema"}:
            raise ValueError("data is an object of description and contentSchema, in place of output_parameters")
        envelope = _envelope_schema(**data)
        return {name: value for name, value in raw.items() if name != "data"} | {"output_parameters": envelope}

    def with_parameters(self, common: dict[str, dict[str, Any]]) -> Definition:
        """Add the parameters that every action takes, as extensions.

        One that the file names itself, in any spelling of case and hyphens (`X-Title` for `x_title`), stays in its
        place and is no extension unless the file says so; the file may leave its schema to this.
        """
        own = self.input_parameters.get("properties", {})
        if not common or not isinstance(own, dict):
            return self
        properties = {}
        missing = dict(common)
        for name, schema in own.items():
            shared = missing.pop(name.lower().replace("-", "_"), None)
            properties[name] = {**shared, **schema} if shared and isinstance(schema, dict) else schema
        properties |= {name: {**schema, "x-extension": True} for name, schema in missing.items()}
        return self.model_copy(update={"input_parameters": {**self.input_parameters, "properties": properties}})


def _envelope_schema(description: str, contentSchema: Any) -> dict[str, Any]:  # noqa: N803 - JSON Schema's keywords
    failure = "When the call failed: JSON whose error key holds type, message, status, retryable and more."
    return {
        "type": "object",
        "properties": {
            "data": {
                "type": "string",
                "description": f"{description} {failure}",
                "contentMediaType": "application/json",
                "contentSchema": contentSchema,
            },
            "error": {
                "type": ["string", "null"],
                "description": "What went wrong and what to do next; null on success.",
            },
            "successful": {"type": "boolean", "description": "Whether the action did what it was asked."},
        },
        "required": ["data", "successful"],
        "additionalProperties": False,
    }


class Action:
    """An action of the registry: its definition and its handler."""

    def __init__(self, definition: Definition, entry: ActionEntry, handler: Callable[..., str]) -> None:
        self.definition = definition
        self.handler = handler
        self.credential = entry.credential
        self.aliases = entry.aliases

    def __str__(self) -> str:
        return self.slug

    def __repr__(self) -> str:
        return f"<Action {self.slug}>"

    @property
    def slug(self) -> str:
        """The name that agents use to call it."""
        return self.definition.slug

    @property
    def tags(self) -> list[str]:
        """Its topics, by which a toolset can be chosen."""
        return self.definition.tags

    @property
    def streams(self) -> bool:
        """Whether it has the parameter `stream` and so can stream its answer."""
        return "stream" in self.definition.input_parameters.get("properties", {})

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing."""
        return self.definition.annotations.readOnlyHint

    @cached_property
    def validator(self) -> ArgumentValidator:
        """The validator of its `input_parameters`, compiled on first use."""
        return ArgumentValidator(self.definition.input_parameters)


class LoadedToolkit:
    """A loaded manifest with everything that it names: the toolkit, the auth scheme, the actions in order."""

    def __init__(
        self,
        manifest: Manifest,
        actions: list[Action],
        *,
        client: Callable[..., Any] | None,
        check: Callable[[str, dict[str, Any]], str | None] | None,
        browser: Callable[..., Any] | None,
    ) -> None:
        self.toolkit = manifest.toolkit
        self.auth = manifest.auth
        self.actions = actions
        self._by_name = {name: action for action in actions for name in (*action.aliases, action.slug)}
        self.client = client
        self.client_takes_credentials = client is not None and takes_credentials(client)
        self.check = check
        self.browser = browser

    def find(self, slug: Any) -> Action | None:
        """Find an action by its slug or an older one; None if there is none, or if the slug is not a string."""
        return self._by_name.get(slug) if isinstance(slug, str) else None
