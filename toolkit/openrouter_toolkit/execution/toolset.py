"""The toolset: which of a toolkit's actions are allowed, by slug, tag or read-only filter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ..envelope import ActionError
from ..manifest import ALL, DOCUMENTED, Action, Toolkits
from ..text.close_matches import close_matches

SwitchedOff = Callable[[], Collection[str]]


class Toolset:
    """The actions that the host chose, minus those that are switched off at present.

    An action that its API has withdrawn is allowed, but offered to models only if the host named it.
    """

    def __init__(
        self, chosen: Iterable[Action], switched_off: SwitchedOff | None = None, named: Collection[str] = ()
    ) -> None:
        """Create a toolset.

        Args:
            chosen: the actions that the host chose.
            switched_off: returns the slugs that are off now; it is called for each listing and each call.
            named: the slugs that the host named, rather than a tag or nothing.

        Raises:
            TypeError: `switched_off` is not callable.
        """
        if switched_off is not None and not callable(switched_off):
            raise TypeError(f"switched_off must be a function that gives slugs, not {type(switched_off).__name__}")
        self._chosen = {action.slug: action for action in chosen}
        self._named = frozenset(named)
        self._switched_off = switched_off

    def __len__(self) -> int:
        """Count the actions that the host chose, without calling `switched_off`."""
        return len(self._chosen)

    def choice(self) -> dict[str, Any]:
        """What it was made of, as keywords of `ToolRegistry.from_manifest`."""
        return {"allow": list(self._chosen), "switched_off": self._switched_off}

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that are currently allowed, by slug."""
        if self._switched_off is None:
            return self._chosen
        off = self._switched_off()
        return {slug: action for slug, action in self._chosen.items() if slug not in off}

    @property
    def offered(self) -> Mapping[str, Action]:
        """The allowed actions that models are shown: withdrawn ones only if the host named them."""
        return {slug: one for slug, one in self.actions.items() if not one.withdrawn or slug in self._named}

    def check_allowed(self, action: Action) -> None:
        """Raise `ActionError` of type `refused_by_policy` if the action is not allowed."""
        if action.slug not in self._chosen:
            raise ActionError(
                "refused_by_policy",
                f"{action.slug} is not in the toolset.",
                f"{action.slug} exists, but whoever set up this toolset did not allow it{_of_which(action)}. "
                "Do without it.",
            )
        if self._switched_off is not None and action.slug in self._switched_off():
            raise ActionError(
                "refused_by_policy",
                f"{action.slug} is switched off.",
                f"{action.slug} exists, but {_why_off(action)}",
            )


def _of_which(action: Action) -> str:
    return "" if action.toolset == DOCUMENTED else f" (it belongs to the toolset {action.toolset})"


def _why_off(action: Action) -> str:
    if action.withdrawn:
        return f"is switched off: {action.withdrawn}"
    if action.toolset == DOCUMENTED:
        return "an administrator switched it off. Do without it."
    return f"it is not switched on; it belongs to the toolset {action.toolset}. Do without it."


def choose(
    toolkits: Toolkits,
    *,
    toolsets: Iterable[str] | None = None,
    allow: Iterable[str] | None = None,
    deny: Iterable[str] | None = None,
    tags: Iterable[str] | None = None,
    read_only: bool = False,
) -> list[Action]:
    """Filter actions. A name in `allow` or `deny` is a slug, an older slug, a tag or a toolkit's slug; `deny` wins.

    Of a toolset that is not chosen, `allow` has the actions that it names by their slugs.

    Raises:
        ValueError: a name is unknown: a misspelt denial must not leave an action allowed.
        TypeError: a name is not a string.
    """
    chosen = toolkits.of_toolsets(_check_toolsets(toolkits, toolsets))
    if allow is not None or tags is not None:
        wanted, further = set(), []
        for name in _check_names(allow):
            found = _by_name(chosen, name)
            if not found and (action := toolkits.find(name)) is not None:
                further.append(action)
            elif not found:
                raise ValueError(f"there is no action or tag {name!r}" + _hint(name, toolkits, chosen))
            wanted |= found
        wanted |= _slugs_by_tag(toolkits, chosen, tags)
        chosen = [action for action in chosen if action.slug in wanted]
        chosen += [action for action in toolkits.all_actions if action in further] if further else []
    denied = _denied(toolkits, chosen, deny)
    return [action for action in chosen if action.slug not in denied and (action.read_only or not read_only)]


def named(actions: Sequence[Action], allow: Iterable[str] | None) -> set[str]:
    """Return the slugs of the actions that `allow` names by a slug, not by a tag."""
    names = _check_names(allow)
    return {action.slug for action in actions if action.slug in names or set(action.aliases) & set(names)}


def _check_toolsets(toolkits: Toolkits, toolsets: Iterable[str] | None) -> list[str]:
    """The names of the chosen toolsets. Raises `ValueError` for one that no toolkit has."""
    if toolsets is None:
        return [DOCUMENTED]
    known = [*toolkits.toolsets, ALL]
    names = _check_names(toolsets)
    for name in names:
        if name not in known:
            matches = close_matches(name, known)
            hint = f"did you mean {matches[0]!r}?" if matches else f"there are {', '.join(known)}"
            raise ValueError(f"there is no toolset {name!r}, {hint}")
    return names


def _by_name(actions: Iterable[Action], name: str) -> set[str]:
    return {a.slug for a in actions if name in (a.slug, a.toolkit_slug, *a.aliases, *a.tags)}


def _denied(toolkits: Toolkits, chosen: Sequence[Action], names: Iterable[str] | None) -> set[str]:
    denied: set[str] = set()
    for name in _check_names(names):
        found = _by_name(chosen, name) or _by_name(toolkits.all_actions, name)
        if not found:
            raise ValueError(f"there is no action or tag {name!r}" + _hint(name, toolkits, toolkits.all_actions))
        denied |= found
    return denied


def _slugs_by_tag(toolkits: Toolkits, chosen: Sequence[Action], tags: Iterable[str] | None) -> set[str]:
    slugs: set[str] = set()
    for tag in _check_names(tags):
        matching = {action.slug for action in chosen if tag in action.tags}
        if not matching:
            raise ValueError(f"there is no tag {tag!r}" + _hint(tag, toolkits, chosen))
        slugs |= matching
    return slugs


def _check_names(names: Iterable[str] | None) -> list[str]:
    names_list = (
        [names] if isinstance(names, str) else list(names or ()) if isinstance(names, Iterable | None) else [names]
    )
    for name in names_list:
        if not isinstance(name, str):
            raise TypeError(
                "allow, deny and tags are lists of slugs or tags, toolsets a list of names, and "
                f"{type(name).__name__} is neither"
            )
    return names_list


def _hint(name: str, toolkits: Toolkits, actions: Sequence[Action]) -> str:
    if name in toolkits.toolsets:
        return f"; it is a toolset, which has to be chosen as one: toolsets={[name]!r}"
    known = [action.slug for action in actions] + sorted({tag for action in actions for tag in action.tags})
    matches = close_matches(name, known)
    return f", did you mean {matches[0]!r}?" if matches else ""
