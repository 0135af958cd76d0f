"""An MCP client: it starts the toolkit's server, asks a model through it, and shows the answer while it comes.

pip install 'openrouter-toolkit[mcp]'
export OPENROUTER_API_KEY=sk-or-v1-... OPENROUTER_MODEL=...   # a model's exact ID
python examples/mcp_client.py "What is 17 * 3?"
"""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
SERVER = StdioServerParameters(
    command=sys.executable,
    args=["-m", "openrouter_toolkit.cli", "mcp", "--allow", CHAT, "OPENROUTER_LIST_AVAILABLE_MODELS"],
    # A server gets hardly anything of its client's environment, unless it is given here.
    env={name: value for name, value in os.environ.items() if name.startswith("OPENROUTER_")},
)


async def show(progress: float, total: float | None, message: str | None) -> None:
    """Print a piece of the answer."""
    print(message, end="", flush=True)


async def ask(question: str) -> int:
    """Ask the model, and print what it says or what went wrong; 1 when something did."""
    async with Client(SERVER) as client:
        tools = (await client.list_tools()).tools
        print(f"The server offers {', '.join(tool.name for tool in tools)}.")
        arguments = {"model": os.environ["OPENROUTER_MODEL"], "messages": [{"role": "user", "content": question}]}
        result = await client.call_tool(CHAT, arguments, progress_callback=show)
        print(result.structured_content["error"] if result.is_error else "")
        return int(result.is_error)


if not os.environ.get("OPENROUTER_MODEL"):
    raise SystemExit("Set OPENROUTER_MODEL to a model's ID; they are listed at https://openrouter.ai/models.")
sys.exit(asyncio.run(ask(" ".join(sys.argv[1:]) or "What is 17 * 3?")))
