"""Forms as they were sent: names and texts. Files are not asked for, so none is read."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request


async def _sent(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Form = Annotated[dict[str, str], Depends(_sent)]
