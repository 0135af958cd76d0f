"""Models, providers and endpoints of the catalogue, and their JSON in the API."""

from dataclasses import dataclass

from .errors import JsonObject

TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
REASONING = ("reasoning", "include_reasoning", "reasoning_effort")
STRUCTURED = ("response_format", "structured_outputs")
_CHOICES = ("auto", "none", "required", "function")
SAMPLING = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed")


@dataclass(frozen=True)
class Provider:
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


@dataclass(frozen=True)
class Ranking:
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


@dataclass(frozen=True)
class Model:
    """One model of the catalogue. Prices are US dollars per token, as decimal text, as in the API."""

    id: str
    name: str
    description: str
    created: int
    context_length: int
    prompt_price: str
    completion_price: str
    providers: tuple[Provider, ...]
    parameters: tuple[str, ...] = SAMPLING
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
    def author(self) -> str:
        """The maker: the part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def zero_data_retention(self) -> bool:
        """Whether any of its providers has zero data retention."""
        return any(provider.zero_data_retention for provider in self.providers)


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
        "architecture": _architecture(model),
        "pricing": _pricing(model),
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": model.max_completion_tokens,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": sorted(model.parameters),
        "default_parameters": {"temperature": None, "top_p": None, "frequency_penalty": None},
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": model.expiration_date,
        "links": {"details": f"/api/v1/models/{model.id}/endpoints"},
    }
    if "reasoning" in model.parameters:
        described["reasoning"] = {"mandatory": model.reasoning_mandatory, "default_enabled": False}
    if model.ranking is not None:
        described["benchmarks"] = _benchmarks(model.ranking)
    return described


def describe_endpoints(model: Model) -> JsonObject:
    """A model with its endpoints, as GET /models/{author}/{slug}/endpoints returns it."""
    return {
        "id": model.id,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "architecture": _architecture(model),
        "endpoints": [describe_endpoint(model, provider) for provider in model.providers],
    }


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
        "supported_parameters": sorted(model.parameters),
        "status": 0,
        "uptime_last_5m": 100.0,
        "uptime_last_30m": 99.9,
        "uptime_last_1d": 99.8,
        "supports_implicit_caching": False,
        "supports_voice_cloning": False,
        "service_tier": None,
        "native_tools": {},
        "supports_tool_choice": dict.fromkeys(_CHOICES, "tool_choice" in model.parameters),
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


def _benchmarks(ranking: Ranking) -> JsonObject:
    indexes = {
        "intelligence_index": ranking.intelligence,
        "coding_index": ranking.coding,
        "agentic_index": ranking.agentic,
    }
    return {"artificial_analysis": indexes, "design_arena": []}


def _architecture(model: Model) -> JsonObject:
    return {
        "modality": f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}",
        "input_modalities": list(model.input_modalities),
        "output_modalities": list(model.output_modalities),
        "tokenizer": model.tokenizer,
        "instruct_type": None,
    }


def _pricing(model: Model) -> JsonObject:
    return {
        "prompt": model.prompt_price,
        "completion": model.completion_price,
        "request": "0",
        "image": "0",
    }
