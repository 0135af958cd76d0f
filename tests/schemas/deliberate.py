"""The differences between the definitions and OpenRouter's OpenAPI document that are meant to be, and why.

`make drift` says nothing about them. When the API changes one of them, its line no longer fits, and it shows again.
"""

from __future__ import annotations

# Lines as `make drift` prints them, by action; `*` stands for all actions.
_LINES = {
    # Attribution travels in headers that the document does not name.
    "*": """
        gone x_title
        gone X_Title
        gone X-Title
        gone http_referer
        gone HTTP_Referer
        gone HTTP-Referer
    """,
    # Ranges are those of OpenRouter's documentation and of the documented action; what is gone still works upstream,
    # is translated by the handler, or (the response cache) stands in the documentation alone.
    "create_chat_completion": """
        different model required: optional in the API
        different model minLength: none in the API, 1 here
        different temperature minimum: none in the API, 0 here
        different temperature maximum: none in the API, 2 here
        different top_p minimum: none in the API, 0 here
        different top_p maximum: none in the API, 1 here
        different top_k minimum: none in the API, 0 here
        different top_a minimum: none in the API, 0 here
        different top_a maximum: none in the API, 1 here
        different min_p minimum: none in the API, 0 here
        different min_p maximum: none in the API, 1 here
        different frequency_penalty minimum: none in the API, -2 here
        different frequency_penalty maximum: none in the API, 2 here
        different presence_penalty minimum: none in the API, -2 here
        different presence_penalty maximum: none in the API, 2 here
        different repetition_penalty minimum: none in the API, 0 here
        different repetition_penalty maximum: none in the API, 2 here
        different top_logprobs minimum: none in the API, 0 here
        different top_logprobs maximum: none in the API, 20 here
        different max_tokens minimum: none in the API, 1 here
        different max_completion_tokens minimum: none in the API, 1 here
        different metadata maxProperties: none in the API, 16 here
        gone n
        gone functions
        gone function_call
        gone include_reasoning
        gone verbosity
        gone preset
        gone transforms
        gone audio
        gone web_search_options
        gone max_tool_calls
        gone prompt_cache_retention
        gone structured_outputs
        gone safety_identifier
        gone moderation
        gone store
        gone usage
        gone X-OpenRouter-Cache
        gone X-OpenRouter-Cache-TTL
        gone X-OpenRouter-Cache-Clear
        gone answer provider
        gone answer response_cache
    """,
    # A legacy endpoint that the document does not have.
    "create_completion": """
        gone POST /completions
    """,
    # The API has withdrawn it and names no body any more.
    "create_coinbase_charge": """
        gone amount
        gone sender
        gone chain_id
    """,
    # Likewise; and Anthropic's own fields, which are passed on.
    "create_message": """
        different model minLength: none in the API, 1 here
        different messages minItems: none in the API, 1 here
        different max_tokens required: optional in the API
        different max_tokens minimum: none in the API, 1 here
        different temperature minimum: none in the API, 0 here
        different temperature maximum: none in the API, 2 here
        different top_p minimum: none in the API, 0 here
        different top_p maximum: none in the API, 1 here
        different top_k minimum: none in the API, 0 here
        different user maxLength: 256 in the API, 128 here
        different session_id maxLength: 256 in the API, 128 here
        different fallbacks maxItems: none in the API, 3 here
        gone container
        gone mcp_servers
        gone betas
        gone output_format
        gone compaction
        gone thread
        gone diagnostics
        gone inference_geo
        gone billing_policy
        gone fallback_credit_token
        gone preset
        gone transforms
        gone usage
        gone X-OpenRouter-Cache
        gone X-OpenRouter-Cache-TTL
        gone X-OpenRouter-Cache-Clear
        gone answer response_cache
    """,
    # `false` is what the handler leaves out.
    "list_available_models": """
        gone zdr values: false
    """,
    # A truth value in place of the words true and false.
    "list_keys": """
        different include_disabled values: any in the API, false, true here
    """,
    # A list would have to be repeated in the query, which only names one value of each.
    "list_batches": """
        different status type: array in the API, string here
        different status values: any in the API, cancelled, completed, expired, failed, in_progress, validating here
    """,
    # The document says it in words.
    "set_workspace_budget": """
        different limit_usd exclusiveMinimum: none in the API, 0 here
    """,
}
DIFFERENCES = {action: frozenset(line.strip() for line in text.split("\n")) - {""} for action, text in _LINES.items()}

# The statuses of failures that the document gives each action; openrouter/errors.py has a type for each of them.
STATUSES: dict[str, set[int]] = {
    "create_chat_completion": {400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529},
    "create_coinbase_charge": {410},
    "create_message": {400, 401, 403, 404, 429, 500, 503, 529},
    "get_credits": {401, 403, 500},
    "get_current_key": {401, 500},
    "get_generation": {400, 401, 402, 403, 404, 429, 500, 502, 524, 529},
    "get_models_count": {400, 403, 500},
    "list_available_models": {400, 403, 500, 503},
    "list_embedding_models": {400, 500},
    "list_model_endpoints": {403, 404, 500, 503},
    "list_providers": {500},
    "list_user_models": {401, 403, 404, 500, 503},
    "list_zdr_endpoints": {403, 500, 503},
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRICING = _names(
    "audio audio_output discount image image_output image_token input_audio_cache input_cache_read input_cache_write "
    "input_cache_write_1h internal_reasoning overrides request web_search"
)
_MODELS = {
    "data[].": _names(
        "alias_target benchmarks canonical_slug default_parameters expiration_date hugging_face_id knowledge_cutoff "
        "links per_request_limits reasoning supported_voices"
    ),
    "data[].architecture.": _names("instruct_type modality tokenizer"),
    "data[].pricing.": _PRICING,
}
_ENDPOINT = _names(
    "max_prompt_tokens model_name perf_last_30m_by_workload supports_diarization supports_image_reference "
    "supports_implicit_caching supports_multiple_audio_references supports_voice_cloning uptime_last_1d uptime_last_5m"
)

# Fields of answers that the definitions leave out to stay short; they come all the same. By action and place.
LEFT_OUT: dict[str, dict[str, frozenset[str]]] = {
    "create_chat_completion": {
        "": _names("object openrouter_metadata service_tier system_fingerprint"),
        "choices[].": _names("logprobs"),
        "choices[].message.": _names("audio images model name reasoning_details refusal"),
        "usage.": _names(
            "completion_tokens_details cost_details is_byok prompt_tokens_details server_tool_use_details"
        ),
    },
    "create_message": {
        "": _names(
            "container context_management input_transformations openrouter_metadata provider stop_details stop_sequence"
        ),
        "usage.": _names(
            "cache_creation cache_creation_input_tokens cache_read_input_tokens cost cost_details inference_geo "
            "is_byok iterations output_tokens_details server_tool_use service_tier speed"
        ),
    },
    "get_current_key": {
        "data.": _names(
            "byok_usage byok_usage_daily byok_usage_monthly byok_usage_weekly creator_user_id include_byok_in_limit "
            "is_provisioning_key rate_limit"
        ),
        "data.budgets[].": _names("budget_id guardrail_id include_byok"),
    },
    "get_generation": {
        "data.": _names(
            "api_type app_id cache_discount cancelled data_region external_user http_referer is_byok "
            "moderation_latency native_finish_reason native_tokens_cached native_tokens_completion "
            "native_tokens_completion_images native_tokens_prompt native_tokens_reasoning num_fetches "
            "num_input_audio_prompt num_media_completion num_media_prompt num_search_results origin preset_id "
            "provider_responses request_id router session_id upstream_id upstream_inference_cost user_agent "
            "web_search_engine workspace_id"
        ),
    },
    "list_available_models": _MODELS,
    "list_embedding_models": _MODELS,
    "list_model_endpoints": {
        "data.": _names("architecture created"),
        "data.endpoints[].": _ENDPOINT,
        "data.endpoints[].pricing.": _PRICING,
    },
    "list_providers": {"data[].": _names("datacenters")},
    "list_user_models": _MODELS,
    "list_zdr_endpoints": {"data[].": _ENDPOINT, "data[].pricing.": _PRICING},
}
