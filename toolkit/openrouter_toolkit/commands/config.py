"""`config`: where the config file is and what it says; get, set and unset one setting."""

from __future__ import annotations

import argparse

from . import config_file, places, terminal
from .config_file import DEFAULTS, SETTINGS, WrongSetting
from .terminal import CommandFailed, print_json, print_line, print_message, usage_error


def config(options: argparse.Namespace) -> int:
    """Print the file's path and every setting."""
    path = places.config_file()
    settings = _read()
    if options.json:
        print_json({"file": str(path), "settings": settings})
        return 0
    print_line(f"{path}{'' if path.exists() else ' (does not exist)'}")
    for name, (_, purpose) in SETTINGS.items():
        default = f"{DEFAULTS[name]} (default)" if name in DEFAULTS else "(not set)"
        print_line(f"  {name:<8}{settings.get(name, default):<32}{purpose}")
    return 0


def get(options: argparse.Namespace) -> int:
    """Print one setting's value alone; exit status 1 if it has none."""
    _known(options.name)
    value = _read().get(options.name, DEFAULTS.get(options.name))
    if value is None:
        raise CommandFailed(f"{options.name} is not set; {terminal.PROGRAM} config set {options.name} VALUE sets it")
    print_line(value)
    return 0


def set(options: argparse.Namespace) -> int:  # noqa: A001 - named as its action
    """Set one setting."""
    _change(options.name, options.value)
    if options.name == "model":
        _warn_of_unknown_model(options.value)
    return 0


def unset(options: argparse.Namespace) -> int:
    """Remove one setting, so that its default applies."""
    _known(options.name)
    _change(options.name, None)
    return 0


def _read() -> dict[str, str]:
    try:
        return config_file.read()
    except WrongSetting as wrong:
        raise CommandFailed(str(wrong)) from None


def _known(name: str) -> None:
    if name not in SETTINGS:
        try:
            config_file.check(name, "")
        except WrongSetting as wrong:
            raise usage_error(str(wrong)) from None


def _change(name: str, value: str | None) -> None:
    try:
        config_file.change(name, value)
    except WrongSetting as wrong:
        raise usage_error(str(wrong)) from None


def _warn_of_unknown_model(model: str) -> None:
    """Print the closest names if the last catalogue does not have the model; it may still exist."""
    from . import catalogue

    known = catalogue.last()
    if known and catalogue.find(known, model) is None:
        near = "".join(f"\n  {one.id}: {one.price}" for one in catalogue.near(known, model))
        print_message(f"The last list of models has no such model.{' Close to it:' + near if near else ''}")
