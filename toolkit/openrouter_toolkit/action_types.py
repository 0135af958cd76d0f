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
    "OPENROUTER_CREATE_EMBEDDINGS",
    "OPENROUTER_CREATE_RERANK",
    "OPENROUTER_GET_MODEL",
    "OPENROUTER_LIST_IMAGE_MODEL_ENDPOINTS",
    "OPENROUTER_GET_BENCHMARKS",
    "OPENROUTER_GET_TASK_CLASSIFICATIONS",
    "OPENROUTER_GET_APP_RANKINGS",
    "OPENROUTER_GET_RANKINGS_DAILY",
    "OPENROUTER_GET_SESSION_COST",
    "OPENROUTER_LIST_SERVER_TOOLS",
    "OPENROUTER_GET_SERVER_TOOL",
    "OPENROUTER_LIST_PRESETS",
    "OPENROUTER_GET_PRESET",
    "OPENROUTER_LIST_PRESET_VERSIONS",
    "OPENROUTER_GET_PRESET_VERSION",
    "OPENROUTER_CREATE_PRESET_FROM_CHAT_COMPLETION",
    "OPENROUTER_CREATE_PRESET_FROM_MESSAGE",
    "OPENROUTER_CREATE_PRESET_FROM_RESPONSE",
    "OPENROUTER_CREATE_BATCH",
    "OPENROUTER_LIST_BATCHES",
    "OPENROUTER_GET_BATCH",
    "OPENROUTER_DELETE_BATCH",
    "OPENROUTER_GET_GENERATION_CONTENT",
    "OPENROUTER_SUBMIT_GENERATION_FEEDBACK",
    "OPENROUTER_GET_USER_ACTIVITY",
    "OPENROUTER_GET_ANALYTICS_META",
    "OPENROUTER_QUERY_ANALYTICS",
    "OPENROUTER_LIST_KEYS",
    "OPENROUTER_CREATE_KEY",
    "OPENROUTER_GET_KEY",
    "OPENROUTER_UPDATE_KEY",
    "OPENROUTER_DELETE_KEY",
    "OPENROUTER_LIST_WORKSPACES",
    "OPENROUTER_CREATE_WORKSPACE",
    "OPENROUTER_GET_WORKSPACE",
    "OPENROUTER_UPDATE_WORKSPACE",
    "OPENROUTER_DELETE_WORKSPACE",
    "OPENROUTER_LIST_WORKSPACE_MEMBERS",
    "OPENROUTER_ADD_WORKSPACE_MEMBERS",
    "OPENROUTER_REMOVE_WORKSPACE_MEMBERS",
    "OPENROUTER_LIST_WORKSPACE_BUDGETS",
    "OPENROUTER_GET_WORKSPACE_BUDGET",
    "OPENROUTER_SET_WORKSPACE_BUDGET",
    "OPENROUTER_DELETE_WORKSPACE_BUDGET",
    "OPENROUTER_LIST_GUARDRAILS",
    "OPENROUTER_CREATE_GUARDRAIL",
    "OPENROUTER_GET_GUARDRAIL",
    "OPENROUTER_UPDATE_GUARDRAIL",
    "OPENROUTER_DELETE_GUARDRAIL",
    "OPENROUTER_LIST_KEY_ASSIGNMENTS",
    "OPENROUTER_LIST_MEMBER_ASSIGNMENTS",
    "OPENROUTER_LIST_GUARDRAIL_KEY_ASSIGNMENTS",
    "OPENROUTER_ASSIGN_KEYS_TO_GUARDRAIL",
    "OPENROUTER_UNASSIGN_KEYS_FROM_GUARDRAIL",
    "OPENROUTER_LIST_GUARDRAIL_MEMBER_ASSIGNMENTS",
    "OPENROUTER_ASSIGN_MEMBERS_TO_GUARDRAIL",
    "OPENROUTER_UNASSIGN_MEMBERS_FROM_GUARDRAIL",
    "OPENROUTER_LIST_BYOK_KEYS",
    "OPENROUTER_CREATE_BYOK_KEY",
    "OPENROUTER_GET_BYOK_KEY",
    "OPENROUTER_UPDATE_BYOK_KEY",
    "OPENROUTER_DELETE_BYOK_KEY",
    "OPENROUTER_LIST_OBSERVABILITY_DESTINATIONS",
    "OPENROUTER_CREATE_OBSERVABILITY_DESTINATION",
    "OPENROUTER_GET_OBSERVABILITY_DESTINATION",
    "OPENROUTER_UPDATE_OBSERVABILITY_DESTINATION",
    "OPENROUTER_DELETE_OBSERVABILITY_DESTINATION",
    "OPENROUTER_LIST_ORGANIZATION_MEMBERS",
    "OPENROUTER_GET_ORGANIZATION_SETTINGS",
    "OPENROUTER_UPDATE_ORGANIZATION_SETTINGS",
    "OPENROUTER_LIST_EXTERNAL_USERS",
    "OPENROUTER_CREATE_EXTERNAL_USER",
    "OPENROUTER_GET_EXTERNAL_USER",
    "OPENROUTER_UPDATE_EXTERNAL_USER",
    "OPENROUTER_DELETE_EXTERNAL_USER",
    "OPENROUTER_LIST_PRIVATE_ENDPOINTS",
    "OPENROUTER_CREATE_PRIVATE_ENDPOINT",
    "OPENROUTER_GET_PRIVATE_ENDPOINT",
    "OPENROUTER_UPDATE_PRIVATE_ENDPOINT",
    "OPENROUTER_DELETE_PRIVATE_ENDPOINT",
    "OPENROUTER_VALIDATE_PRIVATE_ENDPOINT",
    "OPENROUTER_ACTIVATE_PRIVATE_ENDPOINT",
    "OPENROUTER_DISABLE_PRIVATE_ENDPOINT",
    "OPENROUTER_ENABLE_PRIVATE_ENDPOINT",
    "OPENROUTER_UPDATE_PRIVATE_ENDPOINT_PRICING",
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


class CreateEmbeddingsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_EMBEDDINGS."""

    input: Required[str | list[str] | list[float] | list[list[float]] | list[dict[str, Any]]]
    model: Required[str]
    dimensions: int
    encoding_format: Literal["float", "base64"]
    input_type: str
    provider: dict[str, Any] | None
    user: str
    session_id: str
    trace: dict[str, Any]
    x_title: str
    http_referer: str


class CreateRerankArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_RERANK."""

    query: Required[str]
    documents: Required[list[str | dict[str, Any]]]
    model: Required[str]
    top_n: int
    provider: dict[str, Any] | None
    user: str
    session_id: str
    trace: dict[str, Any]
    x_title: str
    http_referer: str


class GetModelArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_MODEL."""

    author: Required[str]
    slug: Required[str]
    x_title: str
    http_referer: str


class ListImageModelEndpointsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_IMAGE_MODEL_ENDPOINTS."""

    author: Required[str]
    slug: Required[str]
    x_title: str
    http_referer: str


class GetBenchmarksArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_BENCHMARKS."""

    source: Literal["artificial-analysis", "design-arena", "openrouter"]
    task_type: Literal["coding", "intelligence", "agentic", "search"]
    benchmark_type: Literal[
        "gpqa_diamond",
        "tau_bench_verified_airline",
        "search_browsecomp",
        "search_hle",
        "search_dsqa",
        "search_widesearch",
    ]
    max_results: int
    arena: Literal["models", "builders", "agents"]
    category: str
    search_engine: str
    search_surface: Literal["server-tool", "plugin"]
    include_run_config: bool
    x_title: str
    http_referer: str


class GetTaskClassificationsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_TASK_CLASSIFICATIONS."""

    window: Literal["7d"]
    x_title: str
    http_referer: str


class GetAppRankingsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_APP_RANKINGS."""

    category: Literal["coding", "creative", "productivity", "entertainment"]
    subcategory: Literal[
        "cli-agent",
        "ide-extension",
        "cloud-agent",
        "programming-app",
        "native-app-builder",
        "creative-writing",
        "video-gen",
        "image-gen",
        "audio-gen",
        "roleplay",
        "game",
        "writing-assistant",
        "general-chat",
        "personal-agent",
        "legal",
    ]
    sort: Literal["popular", "trending"]
    start_date: str
    end_date: str
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class GetRankingsDailyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_RANKINGS_DAILY."""

    start_date: str
    end_date: str
    period: Literal["day", "week", "month"]
    modality: Literal["text", "image", "image_output", "audio", "tool_calling"]
    context_bucket: Literal["1K", "10K", "100K", "1M", "10M"]
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
    language_type: Literal["natural", "programming"]
    x_title: str
    http_referer: str


class GetSessionCostArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_SESSION_COST."""

    app_slug: str
    model: str
    turn_range: Literal["1-turn", "2-9-turns", "10-49-turns", "50-plus-turns"]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class ListServerToolsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_SERVER_TOOLS."""

    api_format: Literal["responses", "chat-completions", "anthropic-messages"]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class GetServerToolArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_SERVER_TOOL."""

    name: Required[str]
    x_title: str
    http_referer: str


class ListPresetsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_PRESETS."""

    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class GetPresetArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_PRESET."""

    slug: Required[str]
    x_title: str
    http_referer: str


class ListPresetVersionsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_PRESET_VERSIONS."""

    slug: Required[str]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class GetPresetVersionArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_PRESET_VERSION."""

    slug: Required[str]
    version: Required[str]
    x_title: str
    http_referer: str


class CreatePresetFromChatCompletionArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_PRESET_FROM_CHAT_COMPLETION."""

    slug: Required[str]
    messages: Required[list[dict[str, Any]]]
    model: str
    temperature: float | None
    max_tokens: int | None
    reasoning: dict[str, Any]
    provider: dict[str, Any] | None
    tools: list[dict[str, Any]]
    tool_choice: Literal["none"] | Literal["auto"] | Literal["required"] | dict[str, Any]
    response_format: dict[str, Any]
    models: list[str]
    plugins: list[dict[str, Any]]
    cache_control: dict[str, Any]
    frequency_penalty: float | None
    image_config: dict[str, Any]
    logit_bias: dict[str, Any] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    min_p: float | None
    modalities: list[Literal["text", "image", "audio"]]
    parallel_tool_calls: bool | None
    prediction: dict[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    prompt_cache_options: dict[str, Any] | None
    reasoning_effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none", None]
    repetition_penalty: float | None
    seed: int | None
    service_tier: Literal["auto", "default", "fast", "flex", "priority", "scale", "ultrafast", None]
    stop: str | list[str] | None
    stop_server_tools_when: list[dict[str, Any]]
    top_a: float | None
    top_k: int | None
    top_logprobs: int | None
    top_p: float | None
    deferred_tools: dict[str, Any]
    x_title: str
    http_referer: str


class CreatePresetFromMessageArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_PRESET_FROM_MESSAGE."""

    slug: Required[str]
    model: Required[str]
    messages: Required[list[dict[str, Any]] | None]
    system: str | list[dict[str, Any]]
    temperature: float
    max_tokens: int
    thinking: dict[str, Any]
    provider: dict[str, Any] | None
    tools: list[dict[str, Any]]
    tool_choice: dict[str, Any]
    models: list[str]
    plugins: list[dict[str, Any]]
    cache_control: dict[str, Any]
    context_management: dict[str, Any] | None
    fallbacks: list[dict[str, Any]] | None
    output_config: dict[str, Any]
    service_tier: str
    speed: Literal["fast", "standard", None]
    stop_sequences: list[str]
    stop_server_tools_when: list[dict[str, Any]]
    top_k: int
    top_p: float
    deferred_tools: dict[str, Any]
    safeguards: list[dict[str, Any]] | None
    x_title: str
    http_referer: str


class CreatePresetFromResponseArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_PRESET_FROM_RESPONSE."""

    slug: Required[str]
    model: str
    instructions: str | None
    temperature: float | None
    reasoning: dict[str, Any] | None
    provider: dict[str, Any] | None
    max_output_tokens: int | None
    tools: list[dict[str, Any]]
    tool_choice: Literal["auto"] | Literal["none"] | Literal["required"] | dict[str, Any]
    text: dict[str, Any]
    models: list[str]
    plugins: list[dict[str, Any]]
    background: bool | None
    cache_control: dict[str, Any]
    frequency_penalty: float | None
    image_config: dict[str, Any]
    include: (
        list[
            Literal[
                "file_search_call.results",
                "message.input_image.image_url",
                "computer_call_output.output.image_url",
                "reasoning.encrypted_content",
                "code_interpreter_call.outputs",
            ]
        ]
        | None
    )
    input: str | list[dict[str, Any]]
    max_tool_calls: int | None
    modalities: list[Literal["text", "image"]]
    parallel_tool_calls: bool | None
    presence_penalty: float | None
    prompt: dict[str, Any] | None
    prompt_cache_key: str | None
    prompt_cache_options: dict[str, Any] | None
    safety_identifier: str | None
    service_tier: Literal["auto", "default", "fast", "flex", "priority", "scale", "ultrafast", None]
    stop_server_tools_when: list[dict[str, Any]]
    top_k: int
    top_logprobs: int | None
    top_p: float | None
    truncation: Literal["auto", "disabled", None]
    deferred_tools: dict[str, Any]
    stop: str | list[str] | None
    x_title: str
    http_referer: str


class CreateBatchArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_BATCH."""

    endpoint: Required[Literal["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"]]
    model: Required[str]
    requests: Required[list[dict[str, Any]]]
    callback_url: str
    completion_window: Literal["24h"]
    provider: dict[str, Any] | None
    x_title: str
    http_referer: str


class ListBatchesArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_BATCHES."""

    status: Literal["validating", "in_progress", "completed", "failed", "expired", "cancelled"]
    limit: int
    after: str
    created_after: str
    created_before: str
    x_title: str
    http_referer: str


class GetBatchArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_BATCH."""

    id: Required[str]
    x_title: str
    http_referer: str


class DeleteBatchArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_BATCH."""

    id: Required[str]
    x_title: str
    http_referer: str


class GetGenerationContentArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_GENERATION_CONTENT."""

    id: Required[str]
    x_title: str
    http_referer: str


class SubmitGenerationFeedbackArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_SUBMIT_GENERATION_FEEDBACK."""

    generation_id: Required[str]
    category: Required[
        Literal["latency", "incoherence", "incorrect_response", "formatting", "billing", "api_error", "other"]
    ]
    comment: str
    x_title: str
    http_referer: str


class GetUserActivityArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_USER_ACTIVITY."""

    date: str
    api_key_hash: str
    user_id: str
    group_by: Literal["workspace"]
    workspace_id: str
    x_title: str
    http_referer: str


class GetAnalyticsMetaArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_ANALYTICS_META."""

    x_title: str
    http_referer: str


class QueryAnalyticsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_QUERY_ANALYTICS."""

    metrics: Required[list[str]]
    dimensions: list[str]
    time_range: dict[str, Any]
    granularity: str
    filters: list[dict[str, Any]]
    order_by: dict[str, Any]
    limit: int
    group_limit: int
    classifier_dimensions: dict[str, Any]
    classifier_filters: dict[str, Any]
    x_title: str
    http_referer: str


class ListKeysArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_KEYS."""

    workspace_id: str
    include_disabled: Literal[True, False, "true", "false"]
    include_expired: bool
    offset: int | None
    x_title: str
    http_referer: str


class CreateKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_KEY."""

    name: Required[str]
    limit: float | None
    limit_reset: Literal["daily", "weekly", "monthly", None]
    expires_at: str | None
    workspace_id: str
    include_byok_in_limit: bool
    creator_user_id: str | None
    external: dict[str, Any]
    x_title: str
    http_referer: str


class GetKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_KEY."""

    hash: Required[str]
    x_title: str
    http_referer: str


class UpdateKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_KEY."""

    hash: Required[str]
    name: str
    disabled: bool
    limit: float | None
    limit_reset: Literal["daily", "weekly", "monthly", None]
    include_byok_in_limit: bool
    workspace_id: str
    x_title: str
    http_referer: str


class DeleteKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_KEY."""

    hash: Required[str]
    x_title: str
    http_referer: str


class ListWorkspacesArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_WORKSPACES."""

    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class CreateWorkspaceArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_WORKSPACE."""

    name: Required[str]
    slug: Required[str]
    description: str | None
    default_text_model: str | None
    default_image_model: str | None
    default_provider_sort: str | None
    disabled_server_tools: (
        list[
            Literal[
                "openrouter:advisor",
                "openrouter:apply_patch",
                "openrouter:bash",
                "openrouter:datetime",
                "openrouter:fusion",
                "openrouter:image_generation",
                "openrouter:experimental__search_models",
                "openrouter:shell",
                "openrouter:subagent",
                "openrouter:tool_search",
                "openrouter:web_fetch",
                "openrouter:web_search",
            ]
        ]
        | None
    )
    is_observability_io_logging_enabled: bool
    io_logging_sampling_rate: float
    io_logging_api_key_ids: list[int] | None
    is_observability_broadcast_enabled: bool
    is_data_discount_logging_enabled: bool
    x_title: str
    http_referer: str


class GetWorkspaceArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_WORKSPACE."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdateWorkspaceArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_WORKSPACE."""

    id: Required[str]
    name: str
    slug: str
    description: str | None
    default_text_model: str | None
    default_image_model: str | None
    default_provider_sort: str | None
    disabled_server_tools: (
        list[
            Literal[
                "openrouter:advisor",
                "openrouter:apply_patch",
                "openrouter:bash",
                "openrouter:datetime",
                "openrouter:fusion",
                "openrouter:image_generation",
                "openrouter:experimental__search_models",
                "openrouter:shell",
                "openrouter:subagent",
                "openrouter:tool_search",
                "openrouter:web_fetch",
                "openrouter:web_search",
            ]
        ]
        | None
    )
    is_observability_io_logging_enabled: bool
    io_logging_sampling_rate: float
    io_logging_api_key_ids: list[int] | None
    is_observability_broadcast_enabled: bool
    is_data_discount_logging_enabled: bool
    x_title: str
    http_referer: str


class DeleteWorkspaceArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_WORKSPACE."""

    id: Required[str]
    confirm_default_workspace_deletion: bool
    x_title: str
    http_referer: str


class ListWorkspaceMembersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_WORKSPACE_MEMBERS."""

    id: Required[str]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class AddWorkspaceMembersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_ADD_WORKSPACE_MEMBERS."""

    id: Required[str]
    user_ids: Required[list[str]]
    x_title: str
    http_referer: str


class RemoveWorkspaceMembersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_REMOVE_WORKSPACE_MEMBERS."""

    id: Required[str]
    user_ids: Required[list[str]]
    x_title: str
    http_referer: str


class ListWorkspaceBudgetsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_WORKSPACE_BUDGETS."""

    workspace_ref: Required[str]
    x_title: str
    http_referer: str


class GetWorkspaceBudgetArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_WORKSPACE_BUDGET."""

    workspace_ref: Required[str]
    interval: Required[Literal["daily", "weekly", "monthly", "lifetime"]]
    x_title: str
    http_referer: str


class SetWorkspaceBudgetArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_SET_WORKSPACE_BUDGET."""

    workspace_ref: Required[str]
    interval: Required[Literal["daily", "weekly", "monthly", "lifetime"]]
    limit_usd: Required[float]
    include_byok_in_budgets: bool
    x_title: str
    http_referer: str


class DeleteWorkspaceBudgetArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_WORKSPACE_BUDGET."""

    workspace_ref: Required[str]
    interval: Required[Literal["daily", "weekly", "monthly", "lifetime"]]
    x_title: str
    http_referer: str


class ListGuardrailsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_GUARDRAILS."""

    workspace_id: str
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class CreateGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_GUARDRAIL."""

    name: Required[str]
    description: str | None
    limit_usd: float | None
    reset_interval: Literal["daily", "weekly", "monthly", None]
    allowed_models: list[str] | None
    ignored_models: list[str] | None
    allowed_providers: list[str] | None
    ignored_providers: list[str] | None
    allowed_data_regions: list[Literal["global", "europe", "us"]] | None
    content_filter_builtins: list[dict[str, Any]] | None
    content_filters: list[dict[str, Any]] | None
    workspace_id: str
    enforce_zdr_anthropic: bool | None
    enforce_zdr_google: bool | None
    enforce_zdr_openai: bool | None
    enforce_zdr_xai: bool | None
    enforce_zdr_other: bool | None
    enforce_zdr: bool | None
    allow_safety_retention_google: bool | None
    allow_safety_retention_other: bool | None
    enable_paid_model_training: bool | None
    enable_free_model_training: bool | None
    enable_free_model_publication: bool | None
    include_byok_in_budgets: bool
    x_title: str
    http_referer: str


class GetGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_GUARDRAIL."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdateGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_GUARDRAIL."""

    id: Required[str]
    name: str
    description: str | None
    limit_usd: float | None
    reset_interval: Literal["daily", "weekly", "monthly", None]
    allowed_models: list[str] | None
    ignored_models: list[str] | None
    allowed_providers: list[str] | None
    ignored_providers: list[str] | None
    allowed_data_regions: list[Literal["global", "europe", "us"]] | None
    content_filter_builtins: list[dict[str, Any]] | None
    content_filters: list[dict[str, Any]] | None
    enforce_zdr_anthropic: bool | None
    enforce_zdr_google: bool | None
    enforce_zdr_openai: bool | None
    enforce_zdr_xai: bool | None
    enforce_zdr_other: bool | None
    enforce_zdr: bool | None
    allow_safety_retention_google: bool | None
    allow_safety_retention_other: bool | None
    enable_paid_model_training: bool | None
    enable_free_model_training: bool | None
    enable_free_model_publication: bool | None
    include_byok_in_budgets: bool
    x_title: str
    http_referer: str


class DeleteGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_GUARDRAIL."""

    id: Required[str]
    x_title: str
    http_referer: str


class ListKeyAssignmentsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_KEY_ASSIGNMENTS."""

    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class ListMemberAssignmentsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_MEMBER_ASSIGNMENTS."""

    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class ListGuardrailKeyAssignmentsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_GUARDRAIL_KEY_ASSIGNMENTS."""

    id: Required[str]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class AssignKeysToGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_ASSIGN_KEYS_TO_GUARDRAIL."""

    id: Required[str]
    key_hashes: Required[list[str]]
    x_title: str
    http_referer: str


class UnassignKeysFromGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UNASSIGN_KEYS_FROM_GUARDRAIL."""

    id: Required[str]
    key_hashes: Required[list[str]]
    x_title: str
    http_referer: str


class ListGuardrailMemberAssignmentsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_GUARDRAIL_MEMBER_ASSIGNMENTS."""

    id: Required[str]
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class AssignMembersToGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_ASSIGN_MEMBERS_TO_GUARDRAIL."""

    id: Required[str]
    member_user_ids: Required[list[str]]
    x_title: str
    http_referer: str


class UnassignMembersFromGuardrailArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UNASSIGN_MEMBERS_FROM_GUARDRAIL."""

    id: Required[str]
    member_user_ids: Required[list[str]]
    x_title: str
    http_referer: str


class ListByokKeysArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_BYOK_KEYS."""

    provider: str
    workspace_id: str
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class CreateByokKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_BYOK_KEY."""

    provider: Required[str]
    key: Required[str]
    name: str | None
    disabled: bool
    is_fallback: bool
    allowed_models: list[str] | None
    allowed_api_key_hashes: list[str] | None
    allowed_user_ids: list[str] | None
    workspace_id: str
    is_required: bool
    is_byok_only: bool
    declared_region: Literal["global", "europe", "us", None]
    declared_zdr: bool | None
    x_title: str
    http_referer: str


class GetByokKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_BYOK_KEY."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdateByokKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_BYOK_KEY."""

    id: Required[str]
    key: str
    name: str | None
    disabled: bool
    is_fallback: bool
    allowed_models: list[str] | None
    allowed_api_key_hashes: list[str] | None
    allowed_user_ids: list[str] | None
    is_required: bool
    is_byok_only: bool
    declared_region: Literal["global", "europe", "us", None]
    declared_zdr: bool | None
    x_title: str
    http_referer: str


class DeleteByokKeyArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_BYOK_KEY."""

    id: Required[str]
    x_title: str
    http_referer: str


class ListObservabilityDestinationsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_OBSERVABILITY_DESTINATIONS."""

    workspace_id: str
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class CreateObservabilityDestinationArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_OBSERVABILITY_DESTINATION."""

    type: Required[
        Literal[
            "arize",
            "braintrust",
            "clickhouse",
            "datadog",
            "grafana",
            "langfuse",
            "langsmith",
            "newrelic",
            "opik",
            "otel-collector",
            "posthog",
            "ramp",
            "s3",
            "sentry",
            "snowflake",
            "weave",
            "webhook",
        ]
    ]
    name: Required[str]
    config: Required[dict[str, Any]]
    enabled: bool
    privacy_mode: bool
    sampling_rate: float
    api_key_hashes: list[str] | None
    workspace_id: str
    filter_rules: dict[str, Any] | None
    regions: list[Literal["global", "europe", "us", "eu"]]
    broadcast_generation_cost: bool
    broadcast_generation_identity: bool
    broadcast_generation_request_context: bool
    broadcast_generation_cost_allocation: bool
    x_title: str
    http_referer: str


class GetObservabilityDestinationArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_OBSERVABILITY_DESTINATION."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdateObservabilityDestinationArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_OBSERVABILITY_DESTINATION."""

    id: Required[str]
    name: str
    config: dict[str, Any]
    enabled: bool
    privacy_mode: bool
    sampling_rate: float
    api_key_hashes: list[str] | None
    filter_rules: dict[str, Any] | None
    regions: list[Literal["global", "europe", "us", "eu"]]
    broadcast_generation_cost: bool
    broadcast_generation_identity: bool
    broadcast_generation_request_context: bool
    broadcast_generation_cost_allocation: bool
    x_title: str
    http_referer: str


class DeleteObservabilityDestinationArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_OBSERVABILITY_DESTINATION."""

    id: Required[str]
    x_title: str
    http_referer: str


class ListOrganizationMembersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_ORGANIZATION_MEMBERS."""

    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class GetOrganizationSettingsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_ORGANIZATION_SETTINGS."""

    x_title: str
    http_referer: str


class UpdateOrganizationSettingsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_ORGANIZATION_SETTINGS."""

    is_filtered_model_catalog_enabled: Required[bool]
    x_title: str
    http_referer: str


class ListExternalUsersArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_EXTERNAL_USERS."""

    user: str
    include_inactive: bool
    limit: int
    offset: int | None
    x_title: str
    http_referer: str


class CreateExternalUserArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_EXTERNAL_USER."""

    user: Required[str]
    x_title: str
    http_referer: str


class GetExternalUserArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_EXTERNAL_USER."""

    user: Required[str]
    x_title: str
    http_referer: str


class UpdateExternalUserArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_EXTERNAL_USER."""

    user: Required[str]
    is_active: Required[bool]
    x_title: str
    http_referer: str


class DeleteExternalUserArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_EXTERNAL_USER."""

    user: Required[str]
    x_title: str
    http_referer: str


class ListPrivateEndpointsArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_LIST_PRIVATE_ENDPOINTS."""

    x_title: str
    http_referer: str


class CreatePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_CREATE_PRIVATE_ENDPOINT."""

    model_permaslug: Required[str]
    provider_slug: Required[str]
    upstream_model_id: Required[str]
    base_url: str
    pricing: dict[str, Any]
    activate: dict[str, Any]
    declared_region: Literal["global", "europe", "us", None]
    declared_zdr: bool | None
    x_title: str
    http_referer: str


class GetPrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_GET_PRIVATE_ENDPOINT."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdatePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_PRIVATE_ENDPOINT."""

    id: Required[str]
    upstream_model_id: Required[str]
    base_url: str
    declared_region: Literal["global", "europe", "us", None]
    declared_zdr: bool | None
    x_title: str
    http_referer: str


class DeletePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DELETE_PRIVATE_ENDPOINT."""

    id: Required[str]
    draft_only: Literal[True, False, "true", "false"]
    x_title: str
    http_referer: str


class ValidatePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_VALIDATE_PRIVATE_ENDPOINT."""

    id: Required[str]
    workspace_id: Required[str]
    x_title: str
    http_referer: str


class ActivatePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_ACTIVATE_PRIVATE_ENDPOINT."""

    id: Required[str]
    x_title: str
    http_referer: str


class DisablePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_DISABLE_PRIVATE_ENDPOINT."""

    id: Required[str]
    x_title: str
    http_referer: str


class EnablePrivateEndpointArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_ENABLE_PRIVATE_ENDPOINT."""

    id: Required[str]
    x_title: str
    http_referer: str


class UpdatePrivateEndpointPricingArguments(TypedDict, total=False):
    """The arguments of OPENROUTER_UPDATE_PRIVATE_ENDPOINT_PRICING."""

    id: Required[str]
    pricing: Required[dict[str, Any]]
    x_title: str
    http_referer: str


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

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_EMBEDDINGS"],
        arguments: CreateEmbeddingsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_RERANK"],
        arguments: CreateRerankArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_GET_MODEL"], arguments: GetModelArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_IMAGE_MODEL_ENDPOINTS"],
        arguments: ListImageModelEndpointsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_BENCHMARKS"],
        arguments: GetBenchmarksArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_TASK_CLASSIFICATIONS"],
        arguments: GetTaskClassificationsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_APP_RANKINGS"],
        arguments: GetAppRankingsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_RANKINGS_DAILY"],
        arguments: GetRankingsDailyArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_SESSION_COST"],
        arguments: GetSessionCostArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_SERVER_TOOLS"],
        arguments: ListServerToolsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_SERVER_TOOL"],
        arguments: GetServerToolArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_PRESETS"],
        arguments: ListPresetsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_GET_PRESET"], arguments: GetPresetArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_PRESET_VERSIONS"],
        arguments: ListPresetVersionsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_PRESET_VERSION"],
        arguments: GetPresetVersionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_CHAT_COMPLETION"],
        arguments: CreatePresetFromChatCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_MESSAGE"],
        arguments: CreatePresetFromMessageArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_RESPONSE"],
        arguments: CreatePresetFromResponseArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_BATCH"],
        arguments: CreateBatchArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_BATCHES"],
        arguments: ListBatchesArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_GET_BATCH"], arguments: GetBatchArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_BATCH"],
        arguments: DeleteBatchArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_GENERATION_CONTENT"],
        arguments: GetGenerationContentArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_SUBMIT_GENERATION_FEEDBACK"],
        arguments: SubmitGenerationFeedbackArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_USER_ACTIVITY"],
        arguments: GetUserActivityArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_ANALYTICS_META"],
        arguments: GetAnalyticsMetaArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_QUERY_ANALYTICS"],
        arguments: QueryAnalyticsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_KEYS"],
        arguments: ListKeysArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_CREATE_KEY"], arguments: CreateKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_GET_KEY"], arguments: GetKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_UPDATE_KEY"], arguments: UpdateKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self, slug: Literal["OPENROUTER_DELETE_KEY"], arguments: DeleteKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACES"],
        arguments: ListWorkspacesArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_WORKSPACE"],
        arguments: CreateWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_WORKSPACE"],
        arguments: GetWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_WORKSPACE"],
        arguments: UpdateWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_WORKSPACE"],
        arguments: DeleteWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACE_MEMBERS"],
        arguments: ListWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_ADD_WORKSPACE_MEMBERS"],
        arguments: AddWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_REMOVE_WORKSPACE_MEMBERS"],
        arguments: RemoveWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACE_BUDGETS"],
        arguments: ListWorkspaceBudgetsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_WORKSPACE_BUDGET"],
        arguments: GetWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_SET_WORKSPACE_BUDGET"],
        arguments: SetWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_WORKSPACE_BUDGET"],
        arguments: DeleteWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAILS"],
        arguments: ListGuardrailsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_GUARDRAIL"],
        arguments: CreateGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_GUARDRAIL"],
        arguments: GetGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_GUARDRAIL"],
        arguments: UpdateGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_GUARDRAIL"],
        arguments: DeleteGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_KEY_ASSIGNMENTS"],
        arguments: ListKeyAssignmentsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_MEMBER_ASSIGNMENTS"],
        arguments: ListMemberAssignmentsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAIL_KEY_ASSIGNMENTS"],
        arguments: ListGuardrailKeyAssignmentsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_ASSIGN_KEYS_TO_GUARDRAIL"],
        arguments: AssignKeysToGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UNASSIGN_KEYS_FROM_GUARDRAIL"],
        arguments: UnassignKeysFromGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAIL_MEMBER_ASSIGNMENTS"],
        arguments: ListGuardrailMemberAssignmentsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_ASSIGN_MEMBERS_TO_GUARDRAIL"],
        arguments: AssignMembersToGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UNASSIGN_MEMBERS_FROM_GUARDRAIL"],
        arguments: UnassignMembersFromGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_BYOK_KEYS"],
        arguments: ListByokKeysArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_BYOK_KEY"],
        arguments: CreateByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_BYOK_KEY"],
        arguments: GetByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_BYOK_KEY"],
        arguments: UpdateByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_BYOK_KEY"],
        arguments: DeleteByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_OBSERVABILITY_DESTINATIONS"],
        arguments: ListObservabilityDestinationsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_OBSERVABILITY_DESTINATION"],
        arguments: CreateObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_OBSERVABILITY_DESTINATION"],
        arguments: GetObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_OBSERVABILITY_DESTINATION"],
        arguments: UpdateObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_OBSERVABILITY_DESTINATION"],
        arguments: DeleteObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_ORGANIZATION_MEMBERS"],
        arguments: ListOrganizationMembersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_ORGANIZATION_SETTINGS"],
        arguments: GetOrganizationSettingsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_ORGANIZATION_SETTINGS"],
        arguments: UpdateOrganizationSettingsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_EXTERNAL_USERS"],
        arguments: ListExternalUsersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_EXTERNAL_USER"],
        arguments: CreateExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_EXTERNAL_USER"],
        arguments: GetExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_EXTERNAL_USER"],
        arguments: UpdateExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_EXTERNAL_USER"],
        arguments: DeleteExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_LIST_PRIVATE_ENDPOINTS"],
        arguments: ListPrivateEndpointsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_CREATE_PRIVATE_ENDPOINT"],
        arguments: CreatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_GET_PRIVATE_ENDPOINT"],
        arguments: GetPrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_PRIVATE_ENDPOINT"],
        arguments: UpdatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DELETE_PRIVATE_ENDPOINT"],
        arguments: DeletePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_VALIDATE_PRIVATE_ENDPOINT"],
        arguments: ValidatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_ACTIVATE_PRIVATE_ENDPOINT"],
        arguments: ActivatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_DISABLE_PRIVATE_ENDPOINT"],
        arguments: DisablePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_ENABLE_PRIVATE_ENDPOINT"],
        arguments: EnablePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    def execute(
        self,
        slug: Literal["OPENROUTER_UPDATE_PRIVATE_ENDPOINT_PRICING"],
        arguments: UpdatePrivateEndpointPricingArguments,
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

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_EMBEDDINGS"],
        arguments: CreateEmbeddingsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_RERANK"],
        arguments: CreateRerankArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_GET_MODEL"], arguments: GetModelArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_IMAGE_MODEL_ENDPOINTS"],
        arguments: ListImageModelEndpointsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_BENCHMARKS"],
        arguments: GetBenchmarksArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_TASK_CLASSIFICATIONS"],
        arguments: GetTaskClassificationsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_APP_RANKINGS"],
        arguments: GetAppRankingsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_RANKINGS_DAILY"],
        arguments: GetRankingsDailyArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_SESSION_COST"],
        arguments: GetSessionCostArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_SERVER_TOOLS"],
        arguments: ListServerToolsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_SERVER_TOOL"],
        arguments: GetServerToolArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_PRESETS"],
        arguments: ListPresetsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_GET_PRESET"], arguments: GetPresetArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_PRESET_VERSIONS"],
        arguments: ListPresetVersionsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_PRESET_VERSION"],
        arguments: GetPresetVersionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_CHAT_COMPLETION"],
        arguments: CreatePresetFromChatCompletionArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_MESSAGE"],
        arguments: CreatePresetFromMessageArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_PRESET_FROM_RESPONSE"],
        arguments: CreatePresetFromResponseArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_BATCH"],
        arguments: CreateBatchArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_BATCHES"],
        arguments: ListBatchesArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_GET_BATCH"], arguments: GetBatchArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_BATCH"],
        arguments: DeleteBatchArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_GENERATION_CONTENT"],
        arguments: GetGenerationContentArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_SUBMIT_GENERATION_FEEDBACK"],
        arguments: SubmitGenerationFeedbackArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_USER_ACTIVITY"],
        arguments: GetUserActivityArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_ANALYTICS_META"],
        arguments: GetAnalyticsMetaArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_QUERY_ANALYTICS"],
        arguments: QueryAnalyticsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_KEYS"],
        arguments: ListKeysArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_CREATE_KEY"], arguments: CreateKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_GET_KEY"], arguments: GetKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_UPDATE_KEY"], arguments: UpdateKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self, slug: Literal["OPENROUTER_DELETE_KEY"], arguments: DeleteKeyArguments, **options: Unpack[ExecuteOptions]
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACES"],
        arguments: ListWorkspacesArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_WORKSPACE"],
        arguments: CreateWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_WORKSPACE"],
        arguments: GetWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_WORKSPACE"],
        arguments: UpdateWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_WORKSPACE"],
        arguments: DeleteWorkspaceArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACE_MEMBERS"],
        arguments: ListWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_ADD_WORKSPACE_MEMBERS"],
        arguments: AddWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_REMOVE_WORKSPACE_MEMBERS"],
        arguments: RemoveWorkspaceMembersArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_WORKSPACE_BUDGETS"],
        arguments: ListWorkspaceBudgetsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_WORKSPACE_BUDGET"],
        arguments: GetWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_SET_WORKSPACE_BUDGET"],
        arguments: SetWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_WORKSPACE_BUDGET"],
        arguments: DeleteWorkspaceBudgetArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAILS"],
        arguments: ListGuardrailsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_GUARDRAIL"],
        arguments: CreateGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_GUARDRAIL"],
        arguments: GetGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_GUARDRAIL"],
        arguments: UpdateGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_GUARDRAIL"],
        arguments: DeleteGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_KEY_ASSIGNMENTS"],
        arguments: ListKeyAssignmentsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_MEMBER_ASSIGNMENTS"],
        arguments: ListMemberAssignmentsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAIL_KEY_ASSIGNMENTS"],
        arguments: ListGuardrailKeyAssignmentsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_ASSIGN_KEYS_TO_GUARDRAIL"],
        arguments: AssignKeysToGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UNASSIGN_KEYS_FROM_GUARDRAIL"],
        arguments: UnassignKeysFromGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_GUARDRAIL_MEMBER_ASSIGNMENTS"],
        arguments: ListGuardrailMemberAssignmentsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_ASSIGN_MEMBERS_TO_GUARDRAIL"],
        arguments: AssignMembersToGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UNASSIGN_MEMBERS_FROM_GUARDRAIL"],
        arguments: UnassignMembersFromGuardrailArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_BYOK_KEYS"],
        arguments: ListByokKeysArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_BYOK_KEY"],
        arguments: CreateByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_BYOK_KEY"],
        arguments: GetByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_BYOK_KEY"],
        arguments: UpdateByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_BYOK_KEY"],
        arguments: DeleteByokKeyArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_OBSERVABILITY_DESTINATIONS"],
        arguments: ListObservabilityDestinationsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_OBSERVABILITY_DESTINATION"],
        arguments: CreateObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_OBSERVABILITY_DESTINATION"],
        arguments: GetObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_OBSERVABILITY_DESTINATION"],
        arguments: UpdateObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_OBSERVABILITY_DESTINATION"],
        arguments: DeleteObservabilityDestinationArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_ORGANIZATION_MEMBERS"],
        arguments: ListOrganizationMembersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_ORGANIZATION_SETTINGS"],
        arguments: GetOrganizationSettingsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_ORGANIZATION_SETTINGS"],
        arguments: UpdateOrganizationSettingsArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_EXTERNAL_USERS"],
        arguments: ListExternalUsersArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_EXTERNAL_USER"],
        arguments: CreateExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_EXTERNAL_USER"],
        arguments: GetExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_EXTERNAL_USER"],
        arguments: UpdateExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_EXTERNAL_USER"],
        arguments: DeleteExternalUserArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_LIST_PRIVATE_ENDPOINTS"],
        arguments: ListPrivateEndpointsArguments | None = None,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_CREATE_PRIVATE_ENDPOINT"],
        arguments: CreatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_GET_PRIVATE_ENDPOINT"],
        arguments: GetPrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_PRIVATE_ENDPOINT"],
        arguments: UpdatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DELETE_PRIVATE_ENDPOINT"],
        arguments: DeletePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_VALIDATE_PRIVATE_ENDPOINT"],
        arguments: ValidatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_ACTIVATE_PRIVATE_ENDPOINT"],
        arguments: ActivatePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_DISABLE_PRIVATE_ENDPOINT"],
        arguments: DisablePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_ENABLE_PRIVATE_ENDPOINT"],
        arguments: EnablePrivateEndpointArguments,
        **options: Unpack[ExecuteOptions],
    ) -> Envelope: ...

    @overload
    async def execute_async(
        self,
        slug: Literal["OPENROUTER_UPDATE_PRIVATE_ENDPOINT_PRICING"],
        arguments: UpdatePrivateEndpointPricingArguments,
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
