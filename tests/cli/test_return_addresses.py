"""`return-addresses`: only what is registered is listed, and what is removed counts no longer."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.store import Store

ADDRESS = "https://squad.example/admin/tools?tab=active"


def test_added_listed_and_removed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["return-addresses", "add", ADDRESS]) == 0
    assert store.return_addresses.registered(ADDRESS)
    assert capsys.readouterr().out == f"People may be sent back to {ADDRESS} now.\n"
    assert main(["return-addresses"]) == 0
    assert capsys.readouterr().out == f"{ADDRESS}\n"
    assert main(["return-addresses", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [ADDRESS]
    assert main(["return-addresses", "remove", ADDRESS]) == 0
    assert store.return_addresses.list() == []
    assert capsys.readouterr().out == f"Nobody is sent back to {ADDRESS} any more.\n"
    assert main(["return-addresses", "remove", ADDRESS]) == 1


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//squad.example", "https://user@squad.example/", "", "sk-or-v1-" + "a" * 64]
)
def test_what_is_none_is_refused(store: Store, capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert main(["return-addresses", "add", address]) == 2
    assert store.return_addresses.list() == []
    told = capsys.readouterr()
    assert told.out == ""
    assert "a" * 64 not in told.err
