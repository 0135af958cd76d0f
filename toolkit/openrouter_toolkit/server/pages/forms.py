"""Reads submitted forms as names and texts. No form has files, so files are ignored."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request


async def _read_form(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Form = Annotated[dict[str, str], Depends(_read_form)]
