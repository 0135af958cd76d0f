"""Several toolkits side by side: their actions in order, found by slug, each with the toolkit that it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from .definitions import Action, LoadedToolkit
from .toolsets import ALL, DOCUMENTED


class Toolkits:
    """The toolkits of a registry, in the order of their manifests."""

    def __init__(self, loaded: Sequence[LoadedToolkit]) -> None:
        """Raises `ValueError` if there is none, or if two have the same slug or an action of the same name."""
        if not loaded:
            raise ValueError("a registry needs a toolkit, and no manifest was given")
        for number, one in enumerate(loaded):
            for other in loaded[:number]:
                for name in clashes(one, other):
                    raise ValueError(f"two toolkits have the {name}")
        self._loaded = tuple(loaded)

    def __iter__(self) -> Iterator[LoadedToolkit]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def first(self) -> LoadedToolkit:
        """The first one."""
        return self._loaded[0]

    @property
    def actions(self) -> list[Action]:
        """The actions of all toolkits that a host sees that chooses no toolset."""
        return [action for one in self._loaded for action in one.actions]

    @property
    def all_actions(self) -> list[Action]:
        """The actions of all toolsets of all toolkits."""
        return [action for one in self._loaded for action in one.all_actions]

    @property
    def toolsets(self) -> list[str]:
        """The names of all toolsets, in the order of the manifests."""
        return list(dict.fromkeys([DOCUMENTED, *(name for one in self._loaded for name in one.toolsets)]))

    def of_toolsets(self, names: Collection[str]) -> list[Action]:
        """The actions of these toolsets, in the order of the manifests."""
        return [
            action
            for one in self._loaded
            for name in (DOCUMENTED, *one.toolsets)
            if name in names or ALL in names
            for action in one.actions_of(name)
        ]

    def of(self, action: Action) -> LoadedToolkit:
        """The toolkit that an action belongs to."""
        assert action.toolkit is not None, f"{action} was not loaded with a toolkit"
        return action.toolkit

    def find(self, slug: Any) -> Action | None:
        """Find an action by its slug or an older one; None if there is none, or if the slug is not a string."""
        for one in self._loaded:
            action = one.find(slug)
            if action is not None:
                return action
        return None


def clashes(one: LoadedToolkit, other: LoadedToolkit) -> Iterator[str]:
    """Yield which names two toolkits share, each as part of a sentence."""
    if one.toolkit.slug == other.toolkit.slug:
        yield f"toolkit slug {one.toolkit.slug}"
        return
    for action in one.all_actions:
        yield from (f"action {name}" for name in (action.slug, *action.aliases) if other.find(name))
