"""Action definitions as composio-core's models, which dump our schemas unchanged."""

from __future__ import annotations

import copy
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import PrivateAttr, create_model, model_serializer

from ...manifest import Action
from ...tool_calling import input_schema

# Here `data` is the parsed object; in the toolkit's own envelope it is JSON text.
_DATA = {"type": "object", "additionalProperties": True}


def action_model(action: Action, *, app: str, properties: dict[str, Any], for_model: bool) -> Any:
    """Return the action as composio's `ActionModel`, whose dumped `parameters` are our JSON Schema.

    Args:
        action: the action.
        app: the app's name.
        properties: the properties of the parameters, after the host's processors.
        for_model: whether it is for a model; see `parameters_of`.
    """
    name = f"{app}_{action.slug}"
    exact, model = _models()
    schema = {**parameters_of(action, for_model=for_model), "properties": properties}
    return model(
        name=name,
        display_name=action.definition.name,
        description=action.definition.description,
        parameters=exact.of(name, schema),
        response={"title": name, "type": "object", **_response(action)},
        appName=app.lower(),
        appId=app.lower(),
        version="latest",
        available_versions=["latest"],
        tags=list(action.tags),
        enabled=True,
    )


def parameters_of(action: Action, *, for_model: bool) -> dict[str, Any]:
    """Return the input schema: for a model as in `tools("openai")`, with `select`; else as in `tools("composio")`."""
    return input_schema(action, extensions=False, select=for_model)


def _response(action: Action) -> dict[str, Any]:
    output = copy.deepcopy(action.definition.output_parameters)
    properties = output.setdefault("properties", {})
    properties["data"] = {**_DATA, "description": properties.get("data", {}).get("description", "")}
    return output


@cache
def _models() -> tuple[Any, Any]:
    collections: Any = import_module("composio.client.collections")

    class ExactParameters(collections.ActionParametersModel):  # type: ignore[misc]
        """Keeps all keywords of a schema; composio's model keeps only five."""

        _exact: dict[str, Any] = PrivateAttr(default_factory=dict)

        @classmethod
        def of(cls, title: str, schema: dict[str, Any]) -> Any:
            """Create the model from a schema; composio's own attributes are set too."""
            model = cls(**{"title": title, **schema})
            model._exact = schema
            return model

        @model_serializer(mode="plain")
        def dump(self) -> Any:
            """Return the schema, with the host's later changes of the attributes."""
            required = {} if self.required is None else {"required": self.required}
            return {**self._exact, "properties": self.properties, **required}

    model = create_model("ExactAction", __base__=collections.ActionModel, parameters=(ExactParameters, ...))
    return ExactParameters, model
