"""The names and arguments of OpenRouter's actions as types, written by `make types` from the schemas."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict, Unpack, overload

from .call import Listener
from .envelope import Envelope
from .execution.event_stream import EventStream
from .registry import ToolRegistry


class StreamOptions(TypedDict, total=False):
    """The keyword arguments of `ToolRegistry.stream`."""

    user_id: str
    account_id: str | None
    timeout: float | None
    agent: str | None
    session_id: str | None


class ExecuteOptions(StreamOptions, total=False):
    """The keyword arguments of `ToolRegistry.execute`."""

    on_event: Listener | None


ActionSlug = Literal[
    "OPENROUTER_CREATE_CHAT_COMPLETION",
    "OPENROUTER_LIST_AVAILABLE_MODELS",
    "OPENROUTER_LIST_MODEL_ENDPOINTS",
    "OPENROUTER_OPENROUTER_LIST_MODEL_ENDPOINTS",
    "OPENROUTER_CREATE_MESSAGE",
    "OPENROUTER_CREATE_COMPLETION",
    "OPENROUTER_GET_MODELS_COUNT",
    "OPENROUTER_LIST_USER_MODELS",
    "OPENROUTER_LIST_EMBEDDING_MODELS",
    "OPENROUTER_LIST_PROVIDERS",
    "OPENROUTER_OPENROUTER_LIST_PROVIDERS",
    "OPENROUTER_LIST_ZDR_ENDPOINTS",
    "OPENROUTER_GET_CURRENT_KEY",
    "OPENROUTER_GET_CREDITS",
    "OPENROUTER_GET_GENERATION",
    "OPENROUTER_CREATE_COINBASE_CHARGE",
]


_CreateChatCompletionArguments = TypedDict(
    "_CreateChatCompletionArguments",
    {
        "X-OpenRouter-Metadata": Literal["disabled", "enabled"],
        "X-OpenRouter-Cache": Literal[True, False, "true", "false"],
        "X-OpenRouter-Cache-TTL": int,
        "X-OpenRouter-Cache-Clear": Literal[True, False, "true", "false"],
    },
    total=False,
)


class CreateChatCompletionArguments(_CreateChatCompletionArguments, total=False):
    """The arguments of OPENROUTER_CREATE_CHAT_COMPLETION."""

    model: Required[str]
    messages: Required[list[dict[str, Any]]]
    max_tokens: int
    temperature: float
    top_p: float
    stop: str | list[str]
    stream: bool
    functions: list[dict[str, Any]]
    function_call: str | dict[str, Any]
    n: int
    presence_penalty: float
    frequency_penalty: float
    logit_bias: dict[str, Any]
    user: str
    tools: list[dict[str, Any]]
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any]
    parallel_tool_calls: bool | None
    deferred_tools: dict[str, Any]
    response_format: dict[str, Any]
    reasoning: dict[str, Any]
    reasoning_effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none", None]
    include_reasoning: bool
    verbosity: Literal["low", "medium", "high", "xhigh", "max"]
    max_completion_tokens: int | None
    models: list[str]
    provider: dict[str, Any] | None
    route: Literal["fallback", "sort", None]
    preset: str
    plugins: list[dict[str, Any]]
    transforms: list[str]
    top_k: int | None
    min_p: float | None
    top_a: float | None
    repetition_penalty: float | None
    seed: int | None
    logprobs: bool | None
    top_logprobs: int | None
    stream_options: dict[str, Any] | None
    modalities: list[str]
    image_config: dict[str, Any]
    audio: dict[str, Any]
    prediction: dict[str, Any] | None
    web_search_options: dict[str, Any]
    max_tool_calls: int
    stop_server_tools_when: list[dict[str, Any]]
    cache_control: dict[str, Any]
    prompt_cache_key: str | None
    prompt_cache_options: dict[str, Any] | None
    prompt_cache_retention: str
    service_tier: Literal["auto", "default", "fast", "flex", "priority", "scale", "ultrafast", None]
    structured_outputs: bool
    safety_identifier: str
    moderation: dict[str, Any]
    store: bool
    session_id: str
    trace: dict[str, Any]
    metadata: dict[str, Any]
    usage: dict[str, Any]
    debug: dict[str, Any]
    x_title: str
    http_referer: str


class ListAvailableModelsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_AVAILABLE_MODELS."""

    category: Literal[
        "programming",
        "roleplay",
        "marketing",
        "marketing/seo",
        "technology",
        "science",
        "translation",
        "legal",
        "finance",
        "health",
        "trivia",
        "academia",
    ]
    use_rss: bool
    use_rss_chat_links: bool
    q: str
    limit: int
    offset: int | None
    sort: Literal[
        "most-popular",
        "newest",
        "top-weekly",
        "pricing-low-to-high",
        "pricing-high-to-low",
        "context-high-to-low",
        "throughput-high-to-low",
        "latency-low-to-high",
        "intelligence-high-to-low",
        "coding-high-to-low",
        "agentic-high-to-low",
        "design-arena-elo-high-to-low",
    ]
    supported_parameters: str | list[str]
    input_modalities: str | list[str]
    output_modalities: str | list[str]
    context: int
    min_price: float | None
    max_price: float | None
    min_output_price: float | None
    max_output_price: float | None
    providers: str | list[str]
    model_authors: str | list[str]
    arch: str
    zdr: Literal[True, False, "true"]
    distillable: Literal[True, False, "true", "false"]
    region: Literal["eu", "us"]
    min_age_days: int | None
    max_age_days: int | None
    min_intelligence_index: float | None
    max_intelligence_index: float | None
    min_coding_index: float | None
    max_coding_index: float | None
    min_agentic_index: float | None
    max_agentic_index: float | None
    min_tool_success_rate: float | None
    max_tool_success_rate: float | None
    x_title: str
    http_referer: str


class ListModelEndpointsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_MODEL_ENDPOINTS."""

    author: Required[str]
    slug: Required[str]
    x_title: str
    http_referer: str


_CreateMessageArguments = TypedDict(
    "_CreateMessageArguments",
    {
        "X-OpenRouter-Metadata": Literal["disabled", "enabled"],
        "X-OpenRouter-Cache": Literal[True, False, "true", "false"],
        "X-OpenRouter-Cache-TTL": int,
        "X-OpenRouter-Cache-Clear": Literal[True, False, "true", "false"],
    },
    total=False,
)


class CreateMessageArguments(_CreateMessageArguments, total=False):
    """The arguments of OPENROUTER_CREATE_MESSAGE."""

    model: Required[str]
    messages: Required[list[dict[str, Any]]]
    max_tokens: Required[int]
    system: str | list[dict[str, Any]]
    temperature: float
    stream: bool
    tools: list[dict[str, Any]]
    tool_choice: dict[str, Any]
    thinking: dict[str, Any]
    output_config: dict[str, Any]
    stop_sequences: list[str]
    top_p: float
    top_k: int
    models: list[str]
    provider: dict[str, Any]
    plugins: list[dict[str, Any]]
    service_tier: str
    metadata: dict[str, Any]
    user: str
    session_id: str
    x_title: str
    http_referer: str
    cache_control: dict[str, Any]
    context_management: dict[str, Any] | None
    fallbacks: list[dict[str, Any]] | None
    deferred_tools: dict[str, Any]
    safeguards: list[dict[str, Any]] | None
    speed: Literal["fast", "standard", None]
    stop_server_tools_when: list[dict[str, Any]]
    route: Literal["fallback", "sort", None]
    trace: dict[str, Any]
    container: str | dict[str, Any]
    mcp_servers: list[dict[str, Any]]
    betas: list[str]
    output_format: dict[str, Any]
    compaction: dict[str, Any]
    thread: dict[str, Any]
    diagnostics: dict[str, Any]
    inference_geo: str
    billing_policy: dict[str, Any]
    fallback_credit_token: str | dict[str, Any]
    preset: str
    transforms: list[str]
    usage: dict[str, Any]


_CreateCompletionArguments = TypedDict(
    "_CreateCompletionArguments",
    {
        "X-OpenRouter-Cache": Literal[True, False, "true", "false"],
        "X-OpenRouter-Cache-TTL": int,
        "X-OpenRouter-Cache-Clear": Literal[True, False, "true", "false"],
    },
    total=False,
)


class CreateCompletionArguments(_CreateCompletionArguments, total=False):
    """The arguments of OPENROUTER_CREATE_COMPLETION."""

    model: Required[str]
    prompt: Required[str | list[str | int | list[int]]]
    max_tokens: int
    temperature: float
    top_p: float
    stop: str | list[str]
    stream: bool
    n: int
    user: str
    presence_penalty: float
    frequency_penalty: float
    logit_bias: dict[str, Any]
    top_k: int | None
    min_p: float | None
    top_a: float | None
    repetition_penalty: float | None
    seed: int | None
    logprobs: int | bool
    top_logprobs: int
    echo: bool
    suffix: str
    best_of: int
    reasoning: dict[str, Any]
    include_reasoning: bool
    response_format: dict[str, Any]
    stream_options: dict[str, Any]
    models: list[str]
    provider: dict[str, Any] | None
    route: Literal["fallback", "sort", None]
    preset: str
    plugins: list[dict[str, Any]]
    transforms: list[str]
    session_id: str
    trace: dict[str, Any]
    metadata: dict[str, Any]
    usage: dict[str, Any]
    x_title: str
    http_referer: str


class GetModelsCountArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_MODELS_COUNT."""

    x_title: str
    http_referer: str
    output_modalities: str | list[str]


class ListUserModelsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_USER_MODELS."""

    x_title: str
    http_referer: str
    limit: int
    offset: int | None
    sort: Literal[
        "most-popular",
        "newest",
        "top-weekly",
        "pricing-low-to-high",
        "pricing-high-to-low",
        "context-high-to-low",
        "throughput-high-to-low",
        "latency-low-to-high",
        "intelligence-high-to-low",
        "coding-high-to-low",
        "agentic-high-to-low",
        "design-arena-elo-high-to-low",
    ]
    output_modalities: str | list[str]


_ListEmbeddingModelsArguments = TypedDict(
    "_ListEmbeddingModelsArguments", {"X-Title": str, "HTTP-Referer": str}, total=False
)


class ListEmbeddingModelsArguments(_ListEmbeddingModelsArguments, total=False):
    """The arguments of OPENROUTER_LIST_EMBEDDING_MODELS."""

    limit: int
    offset: int | None


class ListProvidersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_PROVIDERS."""

    x_title: str
    http_referer: str


class ListZdrEndpointsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_ZDR_ENDPOINTS."""

    x_title: str
    http_referer: str


class GetCurrentKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_CURRENT_KEY."""

    x_title: str
    http_referer: str


class GetCreditsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_CREDITS."""

    x_title: str
    http_referer: str


class GetGenerationArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_GENERATION."""

    id: Required[str]
    x_title: str
    http_referer: str


class CreateCoinbaseChargeArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_COINBASE_CHARGE."""

    amount: Required[float]
    sender: Required[str]
    chain_id: Required[Literal[1, 137, 8453]]
    X_Title: str
    HTTP_Referer: str


class OpenRouterRegistry(ToolRegistry):
    """A `ToolRegistry` of OpenRouter's actions in which type checkers know each slug and its arguments.

    It does what `ToolRegistry` does. A slug or an argument that does not exist, or a value of a wrong type, is an error
    of the type checker; where slugs are known at run time only, use `ToolRegistry`.
    """

    @overload  # type: ignore[override]
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_CHAT_COMPLETION"],
        arguments: CreateChatCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_AVAILABLE_MODELS"],
        arguments: ListAvailableModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_MODEL_ENDPOINTS", "OPENROUTER_OPENROUTER_LIST_MODEL_ENDPOINTS"],
        arguments: ListModelEndpointsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_MESSAGE"],
        arguments: CreateMessageArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_COMPLETION"],
        arguments: CreateCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_MODELS_COUNT"],
        arguments: GetModelsCountArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_USER_MODELS"],
        arguments: ListUserModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_EMBEDDING_MODELS"],
        arguments: ListEmbeddingModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_PROVIDERS", "OPENROUTER_OPENROUTER_LIST_PROVIDERS"],
        arguments: ListProvidersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_ZDR_ENDPOINTS"],
        arguments: ListZdrEndpointsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_CURRENT_KEY"],
        arguments: GetCurrentKeyArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_CREDITS"],
        arguments: GetCreditsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_GENERATION"],
        arguments: GetGenerationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_COINBASE_CHARGE"],
        arguments: CreateCoinbaseChargeArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    def execute(self, slug: Any, arguments: Any = None, **options: Any) -> Envelope:
        """See `ToolRegistry.execute`."""
        return super().execute(slug, arguments, **options)

    @overload  # type: ignore[override]
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_CHAT_COMPLETION"],
        arguments: CreateChatCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_AVAILABLE_MODELS"],
        arguments: ListAvailableModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_MODEL_ENDPOINTS", "OPENROUTER_OPENROUTER_LIST_MODEL_ENDPOINTS"],
        arguments: ListModelEndpointsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_MESSAGE"],
        arguments: CreateMessageArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_COMPLETION"],
        arguments: CreateCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_MODELS_COUNT"],
        arguments: GetModelsCountArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_USER_MODELS"],
        arguments: ListUserModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_EMBEDDING_MODELS"],
        arguments: ListEmbeddingModelsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_PROVIDERS", "OPENROUTER_OPENROUTER_LIST_PROVIDERS"],
        arguments: ListProvidersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_ZDR_ENDPOINTS"],
        arguments: ListZdrEndpointsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_CURRENT_KEY"],
        arguments: GetCurrentKeyArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_CREDITS"],
        arguments: GetCreditsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_GENERATION"],
        arguments: GetGenerationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_COINBASE_CHARGE"],
        arguments: CreateCoinbaseChargeArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    async def execute_async(self, slug: Any, arguments: Any = None, **options: Any) -> Envelope:
        """See `ToolRegistry.execute_async`."""
        return await super().execute_async(slug, arguments, **options)

    @overload  # type: ignore[override]
    def stream(
        self,
        slug: Literal["OPENROUTER_CREATE_CHAT_COMPLETION"],
        arguments: CreateChatCompletionArguments,
        **options: Unpack[StreamOptions],
    ) -> EventStream: ...

    @overload
    def stream(
        self,
        slug: Literal["OPENROUTER_CREATE_MESSAGE"],
        arguments: CreateMessageArguments,
        **options: Unpack[StreamOptions],
    ) -> EventStream: ...

    @overload
    def stream(
        self,
        slug: Literal["OPENROUTER_CREATE_COMPLETION"],
        arguments: CreateCompletionArguments,
        **options: Unpack[StreamOptions],
    ) -> EventStream: ...

    def stream(self, slug: Any, arguments: Any = None, **options: Any) -> EventStream:
        """See `ToolRegistry.stream`."""
        return super().stream(slug, arguments, **options)
