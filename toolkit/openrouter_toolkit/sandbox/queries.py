"""The documented query parameters of each endpoint: invalid values are refused, other parameters are ignored."""

from collections.abc import Callable, Iterable, Mapping

from .errors import ApiError

Query = Mapping[str, str]
Check = Callable[[str], str | None]  # returns what is wrong with a value, or None

CATEGORIES = (
    *("programming", "roleplay", "marketing", "marketing/seo", "technology", "science"),
    *("translation", "legal", "finance", "health", "trivia", "academia"),
)
ORDERS = (
    *("most-popular", "newest", "top-weekly", "pricing-low-to-high", "pricing-high-to-low"),
    *("context-high-to-low", "throughput-high-to-low", "latency-low-to-high", "intelligence-high-to-low"),
    *("coding-high-to-low", "agentic-high-to-low", "design-arena-elo-high-to-low"),
)
_INPUTS = ("text", "image", "file", "audio", "video")
_OUTPUTS = (
    *("all", "text", "image", "embeddings", "audio", "video", "rerank"),
    *("speech", "transcription", "decisions"),
)


def names(value: str) -> set[str]:
    """The entries of a comma-separated list, in lower case."""
    return {name.strip().lower() for name in value.split(",") if name.strip()}


def as_number(value: str) -> float:
    """The number that a text represents.

    Raises:
        ValueError: the text is not a number.
    """
    if not value.isascii() or not value.strip("+-.eE0123456789") == "":
        raise ValueError
    return float(value)


def _anything(_: str) -> None:
    return None


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"must be one of: {', '.join(allowed)}"


def _list_of(*allowed: str) -> Check:
    return lambda value: (
        None if names(value) <= set(allowed) else f"must be a comma-separated list of: {', '.join(allowed)}"
    )


def _number(minimum: float = 0, maximum: float = float("inf"), *, integer: bool = False) -> Check:
    kind = "an integer" if integer else "a number"
    limits = f"of at least {minimum}" if maximum == float("inf") else f"from {minimum} to {maximum}"

    def check(value: str) -> str | None:
        try:
            number = as_number(value)
        except ValueError:
            return f"must be {kind} {limits}"
        fits = minimum <= number <= maximum and number != float("inf") and (not integer or number.is_integer())
        return None if fits else f"must be {kind} {limits}"

    return check


def _ranges(suffixes: Iterable[str], check: Check) -> dict[str, Check]:
    return {f"{end}_{suffix}": check for suffix in suffixes for end in ("min", "max")}


_PAGE = {"offset": _number(integer=True), "limit": _number(1, 1000, integer=True)}
_OUTPUT = {"output_modalities": _list_of(*_OUTPUTS)}
_SORT = {"sort": _one_of(*ORDERS)}
PARAMETERS: Mapping[str, Mapping[str, Check]] = {
    "/models": {
        **_PAGE,
        **_OUTPUT,
        **_SORT,
        **dict.fromkeys(("q", "use_rss", "use_rss_chat_links"), _anything),
        **dict.fromkeys(("supported_parameters", "arch", "model_authors", "providers"), _anything),
        "category": _one_of(*CATEGORIES),
        "input_modalities": _list_of(*_INPUTS),
        "context": _number(1, integer=True),
        "distillable": _one_of("true", "false"),
        "zdr": _one_of("true"),
        "region": _one_of("eu", "us"),
        **_ranges(("price", "output_price"), _number()),
        **_ranges(("age_days",), _number(integer=True)),
        **_ranges(("intelligence_index", "coding_index", "agentic_index"), _number()),
        **_ranges(("tool_success_rate",), _number(0, 1)),
    },
    "/models/user": {**_PAGE, **_OUTPUT, **_SORT},
    "/models/count": _OUTPUT,
    "/embeddings/models": _PAGE,
    "/generation": {"id": _anything},
}


def check_query(path: str, query: Query) -> Query:
    """The parameters of a query that an endpoint has. Others are ignored, as the API ignores them.

    Raises:
        ApiError: 400 for an invalid value.
    """
    known = {name: query[name] for name in PARAMETERS.get(path, ()) if name in query}
    for name, value in known.items():
        if problem := PARAMETERS[path][name](value):
            raise ApiError(400, f"{name}: {problem}")
    return known
