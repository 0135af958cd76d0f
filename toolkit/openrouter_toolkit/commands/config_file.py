"""The config file: defaults for commands, checked when they are read and when they are set; no secrets."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..text.close_matches import close_matches
from ..text.redaction import redact_thoroughly
from ..text.sanitize import clean, quoted
from . import terminal
from .places import config_file, write_private

OUTPUTS = ("envelope", "pretty", "data", "text")
_MAX_LENGTH = 256
# Words in the names of secrets, for the error that says where secrets belong.
_SECRET_WORDS = ("key", "secret", "token", "password", "credential")


class WrongSetting(ValueError):
    """A setting's name or value is not allowed. The message says what is; it repeats no secret."""


def _text(value: str) -> str:
    if not 0 < len(value) <= _MAX_LENGTH or clean(value) != value:
        raise WrongSetting(f"wanted printable text of 1 to {_MAX_LENGTH} characters")
    return value


def _output(value: str) -> str:
    if value not in OUTPUTS:
        near = close_matches(value, OUTPUTS)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OUTPUTS)}"
        raise WrongSetting(f"there is no output {quoted(value, 40)}; {hint}")
    return value


# Each setting: the check of its value, and what it is for.
SETTINGS: dict[str, tuple[Callable[[str], str], str]] = {
    "model": (_text, "the model of `ask`"),
    "user": (_text, "whose connected account commands use"),
    "output": (_output, f"what `execute` prints: {', '.join(OUTPUTS)}"),
}
DEFAULTS = {"user": "default", "output": "envelope"}


def read() -> dict[str, str]:
    """Read the settings; empty if there is no file.

    Raises:
        WrongSetting: the file can't be read, or has an unknown setting or a wrong value.
    """
    path = config_file()
    return {name: check(name, value, f"{path}: ") for name, value in _load(path).items()}


def get(name: str) -> str | None:
    """One setting or its default, None if it has neither. Raises `WrongSetting`, as `read` does."""
    return read().get(name, DEFAULTS.get(name))


def change(name: str, value: str | None) -> None:
    """Set one setting, or remove it for None; comments and other settings in the file stay.

    Raises:
        WrongSetting: the name or the value is not allowed, or the file is not TOML.
        OSError: the file can't be written.
    """
    import tomlkit

    checked = None if value is None else check(name, value)
    path = config_file()
    _load(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    if checked is not None:
        document[name] = checked
    elif name in document:
        del document[name]
    else:
        return
    write_private(path, tomlkit.dumps(document))


def check(name: str, value: Any, where: str = "") -> str:
    """A setting's value, if the name and the value are allowed. `where` begins the message of `WrongSetting`."""
    if redact_thoroughly(f"{name} {value}", ()) != f"{name} {value}" or str(value).startswith(("sk-", "ort_")):
        raise WrongSetting(f"{where}{_no_secrets('a value that looks like a key')}")
    if name not in SETTINGS:
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise WrongSetting(f"{where}{_no_secrets(quoted(name, 40))}")
        near = close_matches(name, SETTINGS)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SETTINGS)}"
        raise WrongSetting(f"{where}there is no setting {quoted(name, 40)}; {hint}")
    if not isinstance(value, str):
        raise WrongSetting(f'{where}{name} must be text in quotes, as in {name} = "..."')
    try:
        return SETTINGS[name][0](value)
    except WrongSetting as wrong:
        raise WrongSetting(f"{where}{name}: {wrong}") from None


def _no_secrets(what: str) -> str:
    return (
        f"{what} does not belong into the config file, which is not sealed: {terminal.PROGRAM} connect keeps keys, "
        "and OPENROUTER_API_KEY gives one for a session"
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise WrongSetting(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongSetting(f"{path} is not in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise WrongSetting(f"{path} is not TOML: {error}") from None
