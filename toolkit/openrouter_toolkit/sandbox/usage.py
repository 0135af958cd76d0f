"""Token usage and cost in the shapes of the completion formats."""

from .completions import Completion
from .errors import JsonObject


def cost_fields(completion: Completion) -> JsonObject:
    """The fields that OpenRouter adds to the usage of every format: the cost in US dollars."""
    return {
        "cost": completion.cost,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": completion.cost,
            "upstream_inference_prompt_cost": completion.prompt_cost,
            "upstream_inference_completions_cost": completion.completion_cost,
        },
    }


def openai_usage(completion: Completion) -> JsonObject:
    """Usage in the shape of chat and text completions."""
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        **cost_fields(completion),
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": completion.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def anthropic_usage(completion: Completion) -> JsonObject:
    """Usage in the shape of /messages, without the cost."""
    return {
        "input_tokens": completion.prompt_tokens,
        "output_tokens": completion.completion_tokens,
        "output_tokens_details": {"thinking_tokens": completion.reasoning_tokens},
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": None,
        "inference_geo": None,
        "server_tool_use": None,
        "service_tier": "standard",
    }
