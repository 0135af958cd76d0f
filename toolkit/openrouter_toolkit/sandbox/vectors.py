"""Embeddings that are near for texts that are near, and documents in the order of the words that they share."""

import base64
import math
import random
import re
import secrets
import struct
from collections.abc import Iterable
from typing import Any

from .errors import ApiError, JsonObject
from .models import Model, listed_model, no_endpoints

DIMENSIONS = 1024
_SHORT, _MOST = 4, 4096
# Common words say little about what a text is about.
_COMMON = frozenset(
    re.findall(r"\w+", "a an and are as at be by for from in is it of on or that the this to was what which with")
)


def words_of(text: str) -> list[str]:
    """The words of a text that say what it is about, in lower case, without a plural's ending."""
    found = [word.rstrip("s") or word for word in re.findall(r"\w+", text.lower())]
    return [word for word in found if word not in _COMMON] or found


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A text's embedding, of length 1: the sum of directions that its words and their parts have."""
    total = [0.0] * dimensions
    for piece, weight in _pieces(text):
        direction = random.Random(piece)
        total = [value + weight * direction.uniform(-1, 1) for value in total]
    length = math.sqrt(sum(value * value for value in total)) or 1.0
    return [round(value / length, 8) for value in total]


def _pieces(text: str) -> Iterable[tuple[str, float]]:
    """Words, and with less weight the beginnings of long ones, so that `swim` and `swimming` are near."""
    for word in words_of(text) or [""]:
        yield word, 1.0
        if len(word) > _SHORT:
            yield f"{word[:_SHORT]}-", 0.7


def relevance(query: str, document: str) -> float:
    """How much of a query's words a document has, from 0 to 1; of two with the same, the shorter one has more."""
    wanted, found = set(words_of(query)), words_of(document)
    score = sum(_likeness(word, found) for word in wanted) / max(1, len(wanted))
    return round(score * (0.98 - 0.1 * (1 - 1 / (1 + len(found) / 50))), 6)


def _likeness(word: str, others: list[str]) -> float:
    if word in others:
        return 1.0
    return 0.5 if len(word) > _SHORT and any(other[:_SHORT] == word[:_SHORT] for other in others) else 0.0


def embeddings(body: JsonObject) -> JsonObject:
    """The answer to POST /embeddings. Raises ApiError 400 for a wrong request."""
    inputs, model = _inputs(body), _able(body, "embeddings")
    dimensions = body.get("dimensions", DIMENSIONS)
    if not isinstance(dimensions, int) or isinstance(dimensions, bool) or not 1 <= dimensions <= _MOST:
        raise ApiError(400, f"dimensions: must be an integer from 1 to {_MOST}")
    if body.get("encoding_format", "float") not in ("float", "base64"):
        raise ApiError(400, "encoding_format: must be float or base64")
    tokens = sum(map(_tokens, inputs))
    data: list[JsonObject] = []
    for index, text in enumerate(inputs):
        found: Any = vector(text, dimensions)
        if body.get("encoding_format") == "base64":
            found = base64.b64encode(struct.pack(f"<{dimensions}f", *found)).decode()
        data.append({"object": "embedding", "embedding": found, "index": index})
    cost = round(tokens * float(model.prompt_price), 12)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens, "cost": cost}
    return {"id": _id("emb"), "object": "list", "data": data, "model": model.id, "usage": usage}


def rerank(body: JsonObject) -> JsonObject:
    """The answer to POST /rerank: the documents, the most relevant first. Raises ApiError 400 for a wrong request."""
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str):
        raise ApiError(400, "query: must be a text")
    if not isinstance(documents, list) or not documents:
        raise ApiError(400, "documents: must be a list of at least one document")
    model = _able(body, "rerank")
    texts = [_document(document, index) for index, document in enumerate(documents)]
    top = body.get("top_n", len(texts))
    if not isinstance(top, int) or isinstance(top, bool) or top < 1:
        raise ApiError(400, "top_n: must be an integer of at least 1")
    results = [
        {"index": index, "relevance_score": relevance(query, text), "document": {"text": text}}
        for index, text in enumerate(texts)
    ]
    results.sort(key=lambda result: -float(str(result["relevance_score"])))
    tokens = sum(_tokens(text) + _tokens(query) for text in texts)
    usage = {"search_units": 1, "total_tokens": tokens, "cost": round(tokens * float(model.prompt_price), 12)}
    provider = model.providers[0].name
    return {"id": _id("rerank"), "model": model.id, "provider": provider, "results": results[:top], "usage": usage}


def _able(body: JsonObject, kind: str) -> Model:
    """The model, if it is of this kind. Raises ApiError 400 or 404."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise ApiError(400, "model: must be a model's id")
    model = listed_model(name)
    if kind not in model.output_modalities:
        raise no_endpoints(kind, model.id)
    return model


def _tokens(text: str) -> int:
    return len(re.findall(r"\w+|\S", text))


def _inputs(body: JsonObject) -> list[str]:
    given = body.get("input")
    if isinstance(given, str) or (isinstance(given, list) and given and all(_is_number(one) for one in given)):
        given = [given]
    if not isinstance(given, list) or not given:
        raise ApiError(400, "input: must be a text, a list of texts, tokens or parts")
    return [_text(one) for one in given]


def _text(one: Any) -> str:
    if isinstance(one, str) and one:
        return one
    if isinstance(one, list) and one and all(_is_number(token) for token in one):
        return " ".join(f"token{token}" for token in one)
    parts = one.get("content") if isinstance(one, dict) else None
    if isinstance(parts, list) and parts and all(isinstance(part, dict) for part in parts):
        return " ".join(str(part.get("text") or part.get("image_url") or "") for part in parts)
    raise ApiError(400, "input: must be a text, a list of texts, tokens or parts")


def _document(document: Any, index: int) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, dict) and (isinstance(document.get("text"), str) or document.get("image")):
        return str(document.get("text") or "")
    raise ApiError(400, f"documents.{index}: must be a text, or an object with text or image")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _id(kind: str) -> str:
    return f"gen-{kind}-{secrets.token_hex(10)}"
