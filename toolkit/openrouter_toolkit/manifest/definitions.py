"""A toolkit's definitions as the registry uses them, made of checked data.

What the files may contain is in `file_models`: a start from the compiled manifest needs neither pydantic nor YAML.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from ..validation.arguments import ArgumentValidator
from .clients import request_handler, route_handler, takes_credentials
from .toolsets import DOCUMENTED, FurtherToolset

if TYPE_CHECKING:
    from ..http.rest import DeclaredApi, Route

# The checked data of actions, by toolset: of each its definition and its row in the manifest.
ActionRows: TypeAlias = dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]


class _Record:
    """What the definitions have in common; the names are pydantic's."""

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """A copy with other values."""
        return replace(self, **update)  # type: ignore[type-var]

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """This as JSON data; `exclude_none` leaves out what is None."""
        data = asdict(self)  # type: ignore[call-overload]
        return {name: value for name, value in data.items() if not (exclude_none and value is None)}


@dataclass(frozen=True, kw_only=True)
class Toolkit(_Record):
    """The toolkit's name, version and links, and its client: an import path, or the description of an API.

    `catalogue` is the action that lists models with their prices, by which the cost of calls is bounded.
    `earlier_versions` names the actions of each earlier version, for hosts that pin one.
    """

    slug: str
    name: str
    version: str
    description: str
    categories: list[str]
    links: dict[str, str]
    logo: str | None = None
    client: str | dict[str, Any] | None = None
    catalogue: str | None = None
    earlier_versions: dict[str, list[str]] = field(default_factory=dict)

    def versions(self, slug: str | None = None) -> list[str]:
        """The current version and the earlier ones, latest first; with a slug only those that have this action."""
        earlier = [version for version, slugs in self.earlier_versions.items() if slug is None or slug in slugs]
        return [self.version, *sorted(earlier, reverse=True)]


@dataclass(frozen=True, kw_only=True)
class AuthField(_Record):
    """One field of an account, such as an API key.

    `prefix` is how its values begin: with it, keys that are plainly another service's are recognized.
    """

    name: str
    title: str
    required: bool
    secret: bool
    description: str
    environment: str | None = None
    prefix: str | None = None
    link: str | None = None
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Auth(_Record):
    """How an account is connected: the scheme (API_KEY or NO_AUTH), its fields, and how a key is verified.

    `credential` names the field of the main key; it is optional if only one field can be the key, see `key`.
    `verify` is the action that verifies a key, with `verify_arguments`. `check` is a function of the field's name and
    the action's answer, which returns why the key is not suitable for that field, or None. `browser` creates the
    browser login from the client's options; see `connecting.BrowserLogin`.
    """

    scheme: str
    fields: list[AuthField]
    credential: str | None = None
    verify: str | None = None
    verify_arguments: dict[str, Any] = field(default_factory=dict)
    check: str | None = None
    browser: str | None = None

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Make it from checked data."""
        return cls(**{**data, "fields": [AuthField(**one) for one in data["fields"]]})

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


@dataclass(frozen=True, kw_only=True)
class Annotations(_Record):
    """MCP's hints about an action, and whether a call costs money."""

    title: str
    readOnlyHint: bool
    destructiveHint: bool
    idempotentHint: bool
    openWorldHint: bool
    costsMoney: bool


@dataclass(frozen=True, kw_only=True)
class Brief(_Record):
    """A list's summary for a model: JMESPath to its rows, an expression for each column, and their meaning."""

    rows: str
    columns: dict[str, str]
    legend: str


@dataclass(frozen=True, kw_only=True)
class Definition(_Record):
    """The definition of one action for models."""

    slug: str
    name: str
    description: str
    tags: list[str]
    annotations: Annotations
    input_parameters: dict[str, Any]
    output_parameters: dict[str, Any]
    brief: Brief | None = None

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Make it from checked data."""
        brief = data["brief"]
        parts = {"annotations": Annotations(**data["annotations"]), "brief": brief and Brief(**brief)}
        return cls(**{**data, **parts})

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


class Action:
    """An action of the registry: its definition, and how it is executed."""

    def __init__(
        self,
        definition: Definition,
        *,
        request: str | None = None,
        handler: str | None = None,
        credential: str | None = None,
        aliases: list[str] | None = None,
        parameters: dict[str, dict[str, Any]] | None = None,
        body: str | None = None,
        withdrawn: str | None = None,
    ) -> None:
        """Create an action.

        Args:
            definition: its definition.
            request: the request, of an action that only sends one.
            handler: the import path of any other's handler, `module:function`.
            credential: the field that it prefers.
            aliases: its older slugs.
            parameters: how the client that a manifest declares sends them; see `http.rest.Route`.
            body: the same for the body.
            withdrawn: why its API offers it no more, in a sentence: then it is offered to models only if it is named.
        """
        self.definition = definition
        self.credential = credential
        self.aliases = aliases or []
        self.toolset = DOCUMENTED
        self.toolkit: LoadedToolkit | None = None
        self.withdrawn = withdrawn
        self._request = request
        self._handler = handler
        self._parameters = parameters or {}
        self._body = body

    def __str__(self) -> str:
        return self.slug

    def __repr__(self) -> str:
        return f"<Action {self.slug}>"

    @cached_property
    def handler(self) -> Callable[..., str]:
        """The function that executes it, imported on first use."""
        if self._handler:
            function: Callable[..., str] = imported(self._handler)
            return function
        if self.toolkit is not None and self.toolkit.declared_api is not None:
            return route_handler(self.route(self.toolkit.declared_api))
        return request_handler(self._request or "")

    def route(self, api: DeclaredApi) -> Route:
        """How the client of a declared API sends its arguments."""
        from ..http.rest import Parameter, Route

        parameters = {
            name: Parameter(
                place=given["place"],
                name=given["name"] or name,
                style=given["style"],
                explode=given["style"] == "form" if given["explode"] is None else given["explode"],
                whole=given["whole"],
            )
            for name, given in self._parameters.items()
        }
        method, _, path = (self._request or "").partition(" ")
        hints = self.definition.annotations
        data = self.definition.output_parameters.get("properties", {}).get("data", {})
        return Route(
            method,
            path,
            parameters,
            form=(self._body or api.body) == "form",
            repeatable=hints.readOnlyHint or hints.idempotentHint,
            expects_json=isinstance(data, dict) and data.get("contentMediaType") == "application/json",
        )

    @property
    def slug(self) -> str:
        """The name that agents use to call it."""
        return self.definition.slug

    @property
    def toolkit_slug(self) -> str | None:
        """The slug of the toolkit that it was loaded with."""
        return None if self.toolkit is None else self.toolkit.toolkit.slug

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


# Held while the actions of further toolsets are made, so that each is made once. Reentrant: a checkout whose files were
# edited loads another toolkit meanwhile, to check them.
_LOADING = RLock()


class LoadedToolkit:
    """A loaded manifest with everything that it names: the toolkit, the auth scheme, the actions in order.

    Attributes:
        actions: what a host sees that chooses no toolset.
        toolsets: the further toolsets by name; their actions are made on first use, so that a start is quick.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        auth: Auth,
        actions: list[Action],
        toolsets: Sequence[FurtherToolset] = (),
        further: ActionRows | Callable[[], ActionRows] | None = None,
    ) -> None:
        """`further` has the actions of the further toolsets, or reads them."""
        self.toolkit = toolkit
        self.auth = auth
        self.actions = actions
        self.toolsets = {one.name: one for one in toolsets}
        self._further = further or {}
        self._made: dict[str, list[Action]] | None = None
        self._by_name = self._adopted(actions)

    @classmethod
    def from_data(cls, data: dict[str, Any], further: ActionRows | Callable[[], ActionRows] | None = None) -> Self:
        """Make it from checked data."""
        return cls(
            Toolkit(**data["toolkit"]),
            Auth.from_data(data["auth"]),
            _made(data["actions"]),
            [FurtherToolset(**one) for one in data["toolsets"]],
            further,
        )

    def actions_of(self, toolset: str) -> list[Action]:
        """The actions of a toolset. Raises `KeyError` if there is none of that name."""
        return self.actions if toolset == DOCUMENTED else self._further_actions[toolset]

    @property
    def all_actions(self) -> list[Action]:
        """The actions of all toolsets."""
        return [*self.actions, *(action for actions in self._further_actions.values() for action in actions)]

    @property
    def _further_actions(self) -> dict[str, list[Action]]:
        with _LOADING:
            if self._made is None:
                rows = self._further() if callable(self._further) else self._further
                made = {name: _made(rows.get(name, ()), name) for name in self.toolsets}
                self._by_name |= self._adopted([action for actions in made.values() for action in actions])
                self._made = made
            return self._made

    def _adopted(self, actions: list[Action]) -> dict[str, Action]:
        """Make this the actions' toolkit, and return them by all their names."""
        for action in actions:
            action.toolkit = self
        return {name: action for action in actions for name in (*action.aliases, action.slug)}

    @cached_property
    def client(self) -> Callable[..., Any] | None:
        """The factory of the handlers' client, imported on first use."""
        if self.declared_api is not None:
            from ..http.rest import client_factory

            return client_factory(self.declared_api)
        client: Callable[..., Any] | None = imported(cast(str | None, self.toolkit.client))
        return client

    @cached_property
    def declared_api(self) -> DeclaredApi | None:
        """The API that the manifest describes in place of naming a client; None if it names one, or has none."""
        if not isinstance(self.toolkit.client, dict):
            return None
        from ..http.rest import DeclaredApi

        return DeclaredApi.from_data(self.toolkit.name, self.toolkit.client)

    @property
    def client_is_imported(self) -> bool:
        """Whether the client's module is there already, as it is when the manifest was checked."""
        client = self.toolkit.client
        return isinstance(client, dict) or (client or "").partition(":")[0] in sys.modules

    @cached_property
    def client_takes_credentials(self) -> bool:
        """Whether the client takes all credentials of an account, not only the key."""
        return self.client is not None and takes_credentials(self.client)

    @property
    def client_takes_any_value(self) -> bool:
        """Whether the client decides which secrets are sent: a password may have blanks in it, an API key has none."""
        api = self.declared_api
        return self.client_takes_credentials and (api is None or "basic" in api.authorization_kinds)

    def client_credentials(self, credentials: Mapping[str, str], key: str | None) -> Any:
        """What the client's `connected` takes: all credentials, or the key alone.

        In the templates of a declared API, the main key stands for the key that the action prefers.
        """
        if not self.client_takes_credentials:
            return key
        if self.declared_api is None or key is None:
            return credentials
        return {**credentials, self.auth.key.name: key}

    def derived_secrets(self, credentials: Mapping[str, str]) -> tuple[str, ...]:
        """Secrets that the client makes of an account's fields."""
        return () if self.declared_api is None else self.declared_api.derived_secrets(credentials)

    @cached_property
    def check(self) -> Callable[[str, dict[str, Any]], str | None] | None:
        """The function that judges a key by the answer of the action that verifies it; see `Auth`."""
        check: Callable[[str, dict[str, Any]], str | None] | None = imported(self.auth.check)
        return check

    @cached_property
    def browser(self) -> Callable[..., Any] | None:
        """The factory of the browser login; see `Auth`."""
        browser: Callable[..., Any] | None = imported(self.auth.browser)
        return browser

    def find(self, slug: Any) -> Action | None:
        """Find an action by its slug or an older one; None if there is none, or if the slug is not a string."""
        if not isinstance(slug, str):
            return None
        found = self._by_name.get(slug)
        if found is None and self.toolsets and self._further_actions:
            return self._by_name.get(slug)
        return found


def _made(rows: Iterable[tuple[dict[str, Any], dict[str, Any]]], toolset: str = DOCUMENTED) -> list[Action]:
    actions = [Action(Definition.from_data(definition), **entry) for definition, entry in rows]
    for action in actions:
        action.toolset = toolset
    return actions


def imported(path: str | None) -> Any:
    """Import what an import path names, `module:name`; None for None."""
    if path is None:
        return None
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
