"""Which of a toolkit's actions may be used: chosen by slug or tag, denied, or read-only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ..envelope import ActionError
from ..manifest import Action
from ..text.close_matches import close_matches

SwitchedOff = Callable[[], Collection[str]]


class Toolset:
    """The actions that a host chose, less those that somebody has switched off meanwhile."""

    def __init__(self, chosen: Iterable[Action], switched_off: SwitchedOff | None = None) -> None:
        """`switched_off` gives the slugs that are off now; it is asked for each listing and each call.

        Raises:
            TypeError: `switched_off` can't be called.
        """
        if switched_off is not None and not callable(switched_off):
            raise TypeError(f"switched_off must be a function that gives slugs, not {type(switched_off).__name__}")
        self._chosen = {action.slug: action for action in chosen}
        self._switched_off = switched_off

    def __len__(self) -> int:
        """How many the host chose; nobody is asked what is off."""
        return len(self._chosen)

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that may be used now, by slug."""
        if self._switched_off is None:
            return self._chosen
        off = self._switched_off()
        return {slug: action for slug, action in self._chosen.items() if slug not in off}

    def check_allowed(self, action: Action) -> None:
        """Raise `ActionError` of type `refused_by_policy` when the action may not be used."""
        if action.slug not in self._chosen:
            raise ActionError(
                "refused_by_policy",
                f"{action.slug} is not in the toolset.",
                f"{action.slug} exists, but whoever set up this toolset did not allow it. Do without it.",
            )
        if self._switched_off is not None and action.slug in self._switched_off():
            raise ActionError(
                "refused_by_policy",
                f"{action.slug} is switched off.",
                f"{action.slug} exists, but an administrator switched it off. Do without it.",
            )


def choose(
    actions: Sequence[Action],
    *,
    allow: Iterable[str] | None = None,
    deny: Iterable[str] | None = None,
    tags: Iterable[str] | None = None,
    read_only: bool = False,
) -> list[Action]:
    """The actions that remain. A name in `allow` or `deny` is a slug, an older slug or a tag; deny always wins.

    Raises:
        ValueError: for a name that is neither: a misspelt denial must not leave an action open.
        TypeError: for what is no name at all.
    """
    chosen = list(actions)
    if allow is not None or tags is not None:
        wanted = _named(actions, allow) | _tagged(actions, tags)
        chosen = [action for action in chosen if action.slug in wanted]
    denied = _named(actions, deny)
    return [action for action in chosen if action.slug not in denied and (action.read_only or not read_only)]


def _named(actions: Sequence[Action], names: Iterable[str] | None) -> set[str]:
    slugs: set[str] = set()
    for name in _listed(names):
        matching = {a.slug for a in actions if name == a.slug or name in a.aliases or name in a.tags}
        if not matching:
            raise ValueError(f"there is no action or tag {name!r}" + _hint(name, actions))
        slugs |= matching
    return slugs


def _tagged(actions: Sequence[Action], tags: Iterable[str] | None) -> set[str]:
    slugs: set[str] = set()
    for tag in _listed(tags):
        matching = {action.slug for action in actions if tag in action.tags}
        if not matching:
            raise ValueError(f"there is no tag {tag!r}" + _hint(tag, actions))
        slugs |= matching
    return slugs


def _listed(names: Iterable[str] | None) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names or ()) if isinstance(names, Iterable | None) else [names]
    for name in listed:
        if not isinstance(name, str):
            raise TypeError(f"allow, deny and tags are lists of slugs or tags, and {type(name).__name__} is neither")
    return listed


def _hint(name: str, actions: Sequence[Action]) -> str:
    known = [action.slug for action in actions] + sorted({tag for action in actions for tag in action.tags})
    meant = close_matches(name, known)
    return f", did you mean {meant[0]!r}?" if meant else ""
