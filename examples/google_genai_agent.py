"""Gemini, with Google's own SDK, that knows OpenRouter."""

import os
import sys

from google import genai
from google.genai import types

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.google_genai import respond, tools

MODEL = os.environ.get("GEMINI_MODEL", "gemini-flash-latest")
QUESTION = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
ACTIONS = ["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"]


def main(question: str) -> None:
    """Answer a question, and show what was called for it."""
    if not os.environ.get("OPENROUTER_API_KEY"):
        raise SystemExit("Set OPENROUTER_API_KEY; a key is made at https://openrouter.ai/keys.")
    if not os.environ.get("GEMINI_API_KEY"):
        raise SystemExit("Set GEMINI_API_KEY; a key is made at https://aistudio.google.com/apikey.")
    contents: list[types.ContentUnionDict] = [types.UserContent(question)]
    with ToolRegistry.from_manifest(allow=ACTIONS) as registry, genai.Client() as client:
        config = types.GenerateContentConfig(tools=[tools(registry)])
        for _ in range(10):
            response = client.models.generate_content(model=MODEL, contents=contents, config=config)
            contents += respond(registry, response)
            if not response.function_calls:
                print(response.text)
                return
            print(*(call.name for call in response.function_calls))
    print("Gemini found no end.")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or QUESTION)
