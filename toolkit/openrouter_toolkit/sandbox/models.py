"""The fictional catalogue (models.yaml): models, providers and endpoints, and their JSON in the API."""

import difflib
from pathlib import Path

import yaml
from pydantic import BaseModel

from .errors import ApiError, JsonObject

_ABILITIES = {
    "sampling": ("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed"),
    "tools": ("tools", "tool_choice", "parallel_tool_calls"),
    "reasoning": ("reasoning", "include_reasoning", "reasoning_effort"),
    "structured": ("response_format", "structured_outputs"),
}
_CHOICES = ("auto", "none", "required", "function")


class Provider(BaseModel, frozen=True):
    """A company that hosts models."""

    name: str
    slug: str
    country: str
    zero_data_retention: bool
    quantization: str

    @property
    def region(self) -> str:
        """The region where it stores data: us, or eu for all other countries of the catalogue."""
        return "us" if self.country == "US" else "eu"


class Ranking(BaseModel, frozen=True):
    """How a model compares with others.

    Attributes:
        intelligence: benchmark index, as are `coding` and `agentic`.
        elo: rating in a design arena.
        tool_success_rate: the share of its tool calls that succeeded; None if it does not support tools.
        weekly_tokens: weekly usage in billions of tokens.
        throughput: tokens per second.
        latency: milliseconds until the first token.
    """

    intelligence: float
    coding: float
    agentic: float
    elo: int
    tool_success_rate: float | None
    weekly_tokens: int
    throughput: int
    latency: int


class Model(BaseModel, frozen=True):
    """One model of the catalogue. Prices are US dollars per token, as decimal text, as in the API."""

    id: str
    name: str
    description: str
    created: int
    context_length: int
    prompt_price: str
    completion_price: str
    providers: tuple[Provider, ...]
    abilities: tuple[str, ...] = ("sampling",)
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    categories: tuple[str, ...] = ()
    max_completion_tokens: int | None = None
    expiration_date: str | None = None
    reasoning_mandatory: bool = False
    tokenizer: str = "Other"
    distillable: bool = False
    ranking: Ranking | None = None

    @property
    def parameters(self) -> list[str]:
        """The supported parameters, in alphabetical order."""
        return sorted(name for ability in self.abilities for name in _ABILITIES[ability])


_DATA = yaml.safe_load(Path(__file__).with_name("models.yaml").read_text(encoding="utf-8"))
PROVIDERS = tuple(Provider(**entry) for entry in _DATA["providers"])


def _model(entry: JsonObject, **more: str) -> Model:
    providers = [provider for provider in PROVIDERS if provider.slug in entry["providers"]]
    return Model(**{**entry, "providers": providers, **more})


MODELS = tuple(_model(entry) for entry in _DATA["models"])
_BY_ID = {model.id: model for model in MODELS}


def find_model(model_id: str) -> Model | None:
    """The model with this id. A variant that is not listed (`:nitro`, `:online`) means the plain model."""
    plain, _, variant = model_id.partition(":")
    return _BY_ID.get(model_id) or (_BY_ID.get(plain) if variant != "free" else None)


def listed_model(model_id: str) -> Model:
    """The model with this id. Raises ApiError 400, which names similar ones, if there is none."""
    if (model := find_model(model_id)) is not None:
        return model
    similar = difflib.get_close_matches(model_id, _BY_ID, n=3) or ["acme/atlas-small"]
    why = availability("model_not_found", model_id, fallback_models=similar)
    raise ApiError(400, f"{model_id} is not a valid model ID", "not_found", availability=why)


def do_everything_model(model_id: str, maker: str = "Sandbox", description: str = "Fails on purpose.") -> Model:
    """A model outside the catalogue that supports everything."""
    name = f"{maker}: {model_id.rpartition('/')[2]}"
    return _model(_DATA["able"], id=model_id, name=name, description=description)


def availability(code: str, model_id: str, **more: object) -> JsonObject:
    """Why no endpoint of a model could answer, for an error's `availability`."""
    return {"code": code, "retryable": False, "requested_models": [model_id], **more}


def no_endpoints(ability: str, model_id: str, code: str = "constraint_filtered") -> ApiError:
    """The 404 for a model that has no provider with the ability that the request needs."""
    why = availability(code, model_id, fallback_models=["acme/atlas-large"], constraint=ability.replace(" ", "_"))
    return ApiError(404, f"No endpoints found that support {ability}", availability=why)


def describe_model(model: Model) -> JsonObject:
    """A model as an entry of GET /models."""
    described: JsonObject = {
        "id": model.id,
        "canonical_slug": model.id.partition(":")[0],
        "hugging_face_id": None,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "context_length": model.context_length,
        "architecture": {
            "modality": f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}",
            "input_modalities": list(model.input_modalities),
            "output_modalities": list(model.output_modalities),
            "tokenizer": model.tokenizer,
            "instruct_type": None,
        },
        "pricing": _pricing(model),
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": model.max_completion_tokens,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": model.parameters,
        "default_parameters": {"temperature": None, "top_p": None, "frequency_penalty": None},
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": model.expiration_date,
        "links": {"details": f"/api/v1/models/{model.id}/endpoints"},
    }
    if "reasoning" in model.abilities:
        described["reasoning"] = {"mandatory": model.reasoning_mandatory, "default_enabled": False}
    if model.ranking is not None:
        indexes = {f"{name}_index": getattr(model.ranking, name) for name in ("intelligence", "coding", "agentic")}
        described["benchmarks"] = {"artificial_analysis": indexes, "design_arena": []}
    return described


def describe_endpoints(model: Model) -> JsonObject:
    """A model with its endpoints, as GET /models/{author}/{slug}/endpoints returns it."""
    described = describe_model(model)
    common = {name: described[name] for name in ("id", "name", "created", "description", "architecture")}
    return {**common, "endpoints": [describe_endpoint(model, provider) for provider in model.providers]}


def describe_endpoint(model: Model, provider: Provider) -> JsonObject:
    """One provider's endpoint of a model. Latency is in milliseconds, throughput in tokens per second."""
    return {
        "name": f"{provider.name} | {model.id}",
        "model_id": model.id,
        "model_name": model.name,
        "context_length": model.context_length,
        "pricing": {**_pricing(model), "discount": 0},
        "provider_name": provider.name,
        "tag": f"{provider.slug}/{provider.quantization}",
        "quantization": provider.quantization,
        "max_completion_tokens": model.max_completion_tokens,
        "max_prompt_tokens": None,
        "supported_parameters": model.parameters,
        "status": 0,
        "uptime_last_5m": 100.0,
        "uptime_last_30m": 99.9,
        "uptime_last_1d": 99.8,
        "supports_implicit_caching": False,
        "supports_voice_cloning": False,
        "service_tier": None,
        "native_tools": {},
        "supports_tool_choice": dict.fromkeys(_CHOICES, "tools" in model.abilities),
        "supports_diarization": False,
        "supports_image_reference": False,
        "supports_multiple_audio_references": False,
        "latency_last_30m": _percentiles(model.ranking.latency if model.ranking else 250, (1, 1.4, 1.92, 3.4)),
        "throughput_last_30m": _percentiles(model.ranking.throughput if model.ranking else 45, (1, 0.85, 0.63, 0.34)),
    }


def describe_provider(provider: Provider) -> JsonObject:
    """A provider as an entry of GET /providers."""
    site = f"https://{provider.slug}.example"
    return {
        "name": provider.name,
        "slug": provider.slug,
        "privacy_policy_url": f"{site}/privacy",
        "terms_of_service_url": f"{site}/terms",
        "status_page_url": f"{site}/status",
        "headquarters": provider.country,
        "datacenters": [provider.country],
    }


def _percentiles(median: int, factors: tuple[float, ...]) -> JsonObject:
    return {name: round(median * factor) for name, factor in zip(("p50", "p75", "p90", "p99"), factors, strict=True)}


def _pricing(model: Model) -> JsonObject:
    return {"prompt": model.prompt_price, "completion": model.completion_price, "request": "0", "image": "0"}
