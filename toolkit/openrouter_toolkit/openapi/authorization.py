"""How requests carry an account's credentials, from the document's security schemes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .document import Document, Json, Unsupported, listing, mapping, words
from .operations import Operation
from .wording import plain, split_words

_EDIT = "Say here, step by step, where the {what} is to be had."
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SET_BY_CLIENT = ("host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding")
# The better a way to prove an account is supported, the lower its number.
_PREFERRED = {"http bearer": 0, "apiKey header": 1, "http basic": 2, "apiKey query": 3, "oauth2": 4, "openIdConnect": 5}


@dataclass
class Login:
    """What an account consists of, and how it is sent; without fields, the toolkit needs no account.

    Attributes:
        fields: `auth.fields` of the manifest.
        authorization, headers: of `toolkit.client`.
        schemes: the names of the security schemes that such an account suits.
        taken: places and names that carry it, in lower case: they are no parameters.
        notes: what somebody should know or do.
    """

    fields: list[Json] = field(default_factory=list)
    authorization: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    schemes: frozenset[str] = frozenset()
    taken: set[tuple[str, str]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str | None:
        """The field of the main key, if several could be it."""
        secret = [field["name"] for field in self.fields if field["secret"]]
        return secret[0] if len(secret) > 1 else None

    def suits(self, requirement: list[frozenset[str]]) -> bool:
        """Whether an operation with this requirement can be called with such an account."""
        return not requirement or any(schemes <= self.schemes for schemes in requirement)


def requirement(document: Document, operation: Operation) -> list[frozenset[str]]:
    """The alternatives of schemes that an operation asks for; none if it is open to everybody."""
    given = operation.content.get("security", document.content.get("security"))
    return [frozenset(map(str, one)) for one in listing(given) if isinstance(one, dict)]


def login(document: Document, slug: str, chosen: Sequence[Operation]) -> Login:
    """Choose the login that most of the operations ask for."""
    schemes = {}
    for name, raw in mapping(document.components.get("securitySchemes")).items():
        try:
            schemes[str(name)] = document.resolved(raw)
        except Unsupported:
            continue
    asked: Counter[frozenset[str]] = Counter()
    for operation in chosen:
        asked.update(set(requirement(document, operation)))
    if not asked:  # described, but asked for nowhere
        asked.update(frozenset([name]) for name in schemes)
    possible = [names for names in asked if names and all(_kind(schemes.get(name)) in _PREFERRED for name in names)]
    possible = [names for names in possible if _sendable(schemes, names)]
    if not possible:
        found = Login()
        found.notes.append(_no_login(asked, schemes))
        return found
    best = max(possible, key=lambda names: (asked[names], -max(_PREFERRED[_kind(schemes[name])] for name in names)))
    used = sorted(best, key=lambda name: (_PREFERRED[_kind(schemes[name])], name))
    found = _login(slug, {name: schemes[name] for name in used})
    sent = [_sent_as(schemes[name]) for name in used]
    found.schemes = frozenset(name for name, scheme in schemes.items() if _sent_as(scheme) in sent)
    return found


def _sent_as(scheme: Json) -> tuple[str, str]:
    """How a scheme is sent: one account suits all schemes for which this is the same."""
    kind = _kind(scheme)
    return (
        ("http bearer", "") if kind in ("oauth2", "openIdConnect", "http bearer") else (kind, words(scheme.get("name")))
    )


def _no_login(asked: Counter[frozenset[str]], schemes: Json) -> str:
    wanted = sorted({name for names in asked for name in names})
    if not wanted:
        return "the document describes no login; if the API wants a key, manifest.yaml says under auth what to write"
    kinds = sorted({_kind(schemes.get(name)) for name in wanted})
    return (
        f"the document's login ({', '.join(wanted)}: {', '.join(kinds)}) can't be declared, so none is; a client in "
        "Python can do it"
    )


def _kind(scheme: Any) -> str:
    """A security scheme in a word or two, such as `http bearer`."""
    scheme = mapping(scheme)
    kind = words(scheme.get("type"))
    if kind == "http":
        return f"http {words(scheme.get('scheme')).lower()}".strip()
    return f"apiKey {words(scheme.get('in'))}".strip() if kind == "apiKey" else kind or "unknown"


def _sendable(schemes: Json, names: frozenset[str]) -> bool:
    """Whether schemes that are asked for together can be sent together: all but one as headers."""
    kinds = [_kind(schemes[name]) for name in names]
    for name in names:
        own = words(schemes[name].get("name"))
        if _kind(schemes[name]) == "apiKey header" and (
            not _HEADER_NAME.fullmatch(own) or own.lower() in (*_SET_BY_CLIENT, "cookie", "user-agent")
        ):
            return False
        if _kind(schemes[name]) == "apiKey query" and not own:
            return False
    return len(kinds) - kinds.count("apiKey header") <= 1


def _login(slug: str, schemes: Json) -> Login:
    found = Login()
    main = next((name for name in schemes if _kind(schemes[name]) != "apiKey header"), next(iter(schemes)))
    for name in [main, *(other for other in schemes if other != main)]:
        _add(found, slug, name, schemes[name], several=len(schemes) > 1)
    return found


def _add(found: Login, slug: str, name: str, scheme: Json, *, several: bool) -> None:
    kind = _kind(scheme)
    description = plain(words(scheme.get("description")), 300)
    if kind == "http basic":
        user = _field(slug, "username", "User name", "The account's user name.", secret=False)
        found.fields += [user, _field(slug, "password", "Password", description or "The account's password.")]
        found.authorization = {"basic": {"username": "{username}", "password": "{password}"}}
        found.taken.add(("header", "authorization"))
        return
    if kind in ("oauth2", "openIdConnect"):
        found.notes.append(
            f"{name} is {kind}: nobody is led through that login, so an account is an access token that was got "
            "elsewhere, and has to be connected again when it expires"
        )
        own, what = "access_token", "Access token"
    else:
        own, what = _own_name(name) if several else "api_key", "API key"
    used = description or f"The {what if what.startswith('API') else what.lower()} with which every request is made."
    found.fields.append(_field(slug, own, _title(own, what), used))
    template = f"{{{own}}}"
    sent_as = words(scheme.get("name"))
    if kind == "apiKey query":
        found.authorization = {"query": {"name": sent_as, "value": template}}
        found.taken.add(("query", sent_as.lower()))
    elif kind == "apiKey header":
        found.taken.add(("header", sent_as.lower()))
        if found.authorization is None:
            found.authorization = {"header": {"name": sent_as, "value": template}}
        else:
            found.headers[sent_as] = template
    else:
        found.authorization = f"Bearer {template}"
        found.taken.add(("header", "authorization"))


def _field(slug: str, name: str, title: str, description: str, *, secret: bool = True) -> Json:
    return {
        "name": name,
        "title": title,
        "required": True,
        "secret": secret,
        "environment": f"{slug}_{name.upper()}",
        "description": description,
        "steps": [_EDIT.format(what=title if title.startswith("API") else title.lower())],
    }


def _own_name(scheme: str) -> str:
    """A field's name from that of its scheme, where there are several."""
    name = "_".join(word.lower() for word in split_words(scheme))
    return name if re.fullmatch(r"[a-z]\w*", name) else "api_key"


def _title(name: str, what: str) -> str:
    return what if name in ("api_key", "access_token") else name.replace("_", " ").capitalize()
