"""The fictional models and providers of the catalogue."""

import difflib

from .catalogue import REASONING, SAMPLING, STRUCTURED, TOOLS, Model, Provider, Ranking

ACME = Provider("Acme AI", "acme", "US", zero_data_retention=True, quantization="bf16")
GLOBEX = Provider("Globex Compute", "globex-compute", "DE", zero_data_retention=False, quantization="fp8")
INITECH = Provider("Initech Inference", "initech", "US", zero_data_retention=False, quantization="fp16")
UMBRA = Provider("Umbra Cloud", "umbra-cloud", "FR", zero_data_retention=True, quantization="fp8")
PROVIDERS = (ACME, GLOBEX, INITECH, UMBRA)

_MODELS = (
    Model(
        "acme/atlas-large",
        "Acme: Atlas Large",
        "Acme's most able model: long documents, images, tools and careful reasoning.",
        1_785_000_000,
        200_000,
        "0.000003",
        "0.000015",
        (ACME, UMBRA),
        parameters=SAMPLING + TOOLS + REASONING + STRUCTURED,
        input_modalities=("text", "image", "file"),
        categories=("programming", "science", "legal", "academia"),
        max_completion_tokens=64_000,
        ranking=Ranking(62.5, 58.0, 55.5, 1310, 0.98, 190, 45, 250),
    ),
    Model(
        "acme/atlas-small",
        "Acme: Atlas Small",
        "Quick and cheap, for everyday questions and tool calls.",
        1_784_000_000,
        128_000,
        "0.00000025",
        "0.00000125",
        (ACME, GLOBEX),
        parameters=SAMPLING + TOOLS + STRUCTURED,
        input_modalities=("text", "image"),
        categories=("programming", "translation", "marketing", "marketing/seo"),
        max_completion_tokens=16_384,
        ranking=Ranking(41.0, 36.5, 38.0, 1205, 0.95, 340, 120, 240),
    ),
    Model(
        "acme/atlas-small:free",
        "Acme: Atlas Small (free)",
        "The free variant of Atlas Small, with a shorter context.",
        1_784_000_000,
        32_768,
        "0",
        "0",
        (GLOBEX,),
        parameters=SAMPLING + TOOLS,
        categories=("translation",),
        max_completion_tokens=4_096,
        ranking=Ranking(41.0, 36.5, 38.0, 1205, 0.91, 75, 60, 900),
    ),
    Model(
        "acme/oracle-r1",
        "Acme: Oracle R1",
        "Always thinks before it answers; calls no tools.",
        1_780_000_000,
        64_000,
        "0.0000011",
        "0.0000044",
        (ACME,),
        parameters=SAMPLING + REASONING,
        categories=("science", "finance", "health"),
        max_completion_tokens=32_000,
        reasoning_mandatory=True,
        ranking=Ranking(57.0, 49.0, 30.5, 1240, None, 60, 40, 1400),
    ),
    Model(
        "globex/hermes-70b",
        "Globex: Hermes 70B",
        "An open-weight model hosted by three providers.",
        1_770_000_000,
        131_072,
        "0.0000004",
        "0.0000004",
        (GLOBEX, INITECH, UMBRA),
        parameters=SAMPLING + TOOLS + STRUCTURED,
        categories=("technology", "programming"),
        ranking=Ranking(38.5, 31.0, 29.0, 1150, 0.9, 110, 70, 410),
        tokenizer="Llama3",
        distillable=True,
    ),
    Model(
        "globex/hermes-8b",
        "Globex: Hermes 8B",
        "A small open-weight model for short texts.",
        1_769_000_000,
        8_192,
        "0.00000003",
        "0.00000006",
        (GLOBEX, INITECH),
        categories=("trivia",),
        ranking=Ranking(17.5, 12.0, 9.5, 1020, None, 45, 160, 190),
        tokenizer="Llama3",
        distillable=True,
    ),
    Model(
        "globex/hermes-8b:free",
        "Globex: Hermes 8B (free)",
        "The free variant of Hermes 8B.",
        1_769_000_000,
        8_192,
        "0",
        "0",
        (GLOBEX,),
        categories=("trivia",),
        tokenizer="Llama3",
        distillable=True,
    ),
    Model(
        "globex/hermes-vision",
        "Globex: Hermes Vision",
        "Looks at pictures and files, and calls tools.",
        1_782_000_000,
        65_536,
        "0.0000006",
        "0.0000018",
        (GLOBEX,),
        parameters=SAMPLING + TOOLS,
        input_modalities=("text", "image", "file"),
        categories=("health", "technology"),
        ranking=Ranking(35.0, 24.0, 26.5, 1165, 0.88, 30, 65, 520),
        tokenizer="Llama3",
    ),
    Model(
        "initech/scribe",
        "Initech: Scribe",
        "Writes stories and plays characters; text only, no tools.",
        1_760_000_000,
        16_384,
        "0.0000005",
        "0.000001",
        (INITECH,),
        categories=("roleplay", "marketing"),
    ),
    Model(
        "initech/scribe-long",
        "Initech: Scribe Long",
        "A million tokens of context for whole archives.",
        1_783_000_000,
        1_000_000,
        "0.000002",
        "0.000008",
        (INITECH, UMBRA),
        parameters=SAMPLING + TOOLS + STRUCTURED,
        input_modalities=("text", "file"),
        categories=("legal", "academia"),
        max_completion_tokens=64_000,
        ranking=Ranking(48.5, 42.0, 44.0, 1220, 0.93, 85, 50, 760),
    ),
    Model(
        "initech/painter",
        "Initech: Painter",
        "Answers in words and in pictures.",
        1_781_000_000,
        32_768,
        "0.0000003",
        "0.0000025",
        (INITECH,),
        input_modalities=("text", "image"),
        output_modalities=("text", "image"),
        categories=("marketing",),
    ),
    Model(
        "initech/stapler-1",
        "Initech: Stapler 1",
        "An old model that is about to go away.",
        1_700_000_000,
        4_096,
        "0.00001",
        "0.00003",
        (INITECH,),
        expiration_date="2027-12-31",
    ),
    Model(
        "umbra/tiny",
        "Umbra: Tiny",
        "The smallest context of the catalogue: 1,024 tokens.",
        1_765_000_000,
        1_024,
        "0.00000001",
        "0.00000002",
        (UMBRA,),
        categories=("trivia",),
    ),
    Model(
        "umbra/coder",
        "Umbra: Coder",
        "Writes and repairs programs, with tools and reasoning.",
        1_786_000_000,
        262_144,
        "0.0000009",
        "0.0000036",
        (UMBRA,),
        parameters=SAMPLING + TOOLS + REASONING + STRUCTURED,
        categories=("programming", "technology"),
        max_completion_tokens=32_768,
        ranking=Ranking(55.0, 63.5, 59.0, 1280, 0.97, 150, 80, 480),
    ),
)

_EMBEDDINGS = (
    Model(
        "acme/embed-3",
        "Acme: Embed 3",
        "Turns text into vectors of 1,024 numbers.",
        1_778_000_000,
        8_192,
        "0.00000002",
        "0",
        (ACME,),
        parameters=(),
        output_modalities=("embeddings",),
    ),
    Model(
        "globex/embed-mini",
        "Globex: Embed Mini",
        "A small embedding model for search.",
        1_768_000_000,
        2_048,
        "0.00000001",
        "0",
        (GLOBEX,),
        parameters=(),
        output_modalities=("embeddings",),
    ),
)

MODELS = _MODELS + _EMBEDDINGS
_BY_ID = {model.id: model for model in MODELS}


def find_model(model_id: str) -> Model | None:
    """The model with this id. A variant that is not listed (`:nitro`, `:online`) means the plain model."""
    plain, _, variant = model_id.partition(":")
    return _BY_ID.get(model_id) or (_BY_ID.get(plain) if variant != "free" else None)


def similar_models(model_id: str) -> list[str]:
    """Ids of similar models, the most similar first; never empty."""
    return difflib.get_close_matches(model_id, _BY_ID, n=3) or ["acme/atlas-small"]


def do_everything_model(model_id: str, maker: str = "Sandbox", description: str = "Fails on purpose.") -> Model:
    """A model outside the catalogue that supports everything."""
    return Model(
        model_id,
        f"{maker}: {model_id.rpartition('/')[2]}",
        description,
        1_786_000_000,
        1_000_000,
        "0.000001",
        "0.000002",
        (ACME,),
        parameters=SAMPLING + TOOLS + REASONING + STRUCTURED,
        input_modalities=("text", "image", "file", "audio", "video"),
    )
