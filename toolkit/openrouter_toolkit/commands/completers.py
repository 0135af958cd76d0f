"""What a shell completes: slugs, models, parameters and users. Each gives candidates for the word at the cursor."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..manifest import Toolkits

_FALLBACK_USER = "default"


def slugs(parsed_args: argparse.Namespace, **_cursor: Any) -> list[str]:
    """The actions' slugs."""
    return [action.slug for action in _toolkits(parsed_args).all_actions]


def _toolkits(options: argparse.Namespace) -> Toolkits:
    """The packaged toolkit, and those whose manifests were given before the cursor."""
    from ..manifest import Toolkits, load_several

    return Toolkits(load_several([None, *(getattr(options, "manifest", None) or ())]))


def models(**_cursor: Any) -> list[str]:
    """The ids of the models in the last catalogue; nothing is fetched."""
    from .catalogue import last

    return [model.id for model in last()]


def users(**_cursor: Any) -> list[str]:
    """The users that have a connected account."""
    from .store import open_existing_store

    with open_existing_store() as store:
        accounts = [] if store is None else store.accounts.list()
    return sorted({_FALLBACK_USER, *(account.user_id for account in accounts if account.user_id)})


def budgets(**_cursor: Any) -> list[str]:
    """The names of budgets."""
    from .store import open_existing_store

    with open_existing_store() as store:
        if store is None:
            return []
        from ..ledger import Ledger

        return [budget.name for budget in Ledger(store).budgets.current()]


def settings(**_cursor: Any) -> list[str]:
    """The names of the config file's settings."""
    from .config_file import SETTINGS

    return list(SETTINGS)


def setting_values(parsed_args: argparse.Namespace, **_cursor: Any) -> list[str]:
    """The values of the setting that was named."""
    from .config_file import OUTPUTS

    kinds = {"model": models, "user": users, "output": lambda: list(OUTPUTS)}
    return kinds.get(getattr(parsed_args, "name", ""), list)()


def parameters(prefix: str, parsed_args: argparse.Namespace, **_cursor: Any) -> list[str]:
    """`name=` for each parameter of the action that was not given yet; behind it, the values that it may have."""
    action = _toolkits(parsed_args).find(getattr(parsed_args, "slug", None))
    if action is None:
        return []
    properties: dict[str, dict[str, Any]] = action.definition.input_parameters.get("properties", {})
    name, given, _ = prefix.partition("=")
    if given:
        return [f"{name}={value}" for value in _values(name, properties.get(name, {}))]
    before = {word.partition("=")[0] for word in getattr(parsed_args, "parameters", None) or ()}
    return [f"{name}=" for name in properties if name not in before]


def _values(name: str, schema: dict[str, Any]) -> list[str]:
    if name == "model":
        return models()
    values = schema.get("enum") or ([True, False] if "boolean" in schema.get("type", ()) else [])
    return list(dict.fromkeys(value if isinstance(value, str) else json.dumps(value) for value in values))
