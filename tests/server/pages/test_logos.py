"""Logos of manifests: fetched by the server, shown from there, and initials where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from openrouter_toolkit.server.pages import logos
from openrouter_toolkit.store import Store

from ...small_server import Handler, running
from ..served import Served, serving
from .person import Person

ECHO = Path(__file__).parents[2] / "echo_toolkit"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
ANSWERS = {
    "/logo": (SVG, 200, "image/svg+xml; charset=utf-8"),
    "/page": (b"<script>alert(1)</script>", 200, "text/html"),
    "/large": (b"x" * 300_000, 200, "image/png"),
    "/gone": (SVG, 404, "image/svg+xml"),
}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A site with logos, and the paths that it was asked for."""
    asked: list[str] = []

    class Site(Handler):
        def respond(self) -> None:
            asked.append(self.path)
            body, status, kind = ANSWERS[self.path]
            self.answer(body, status, Content_Type=kind)

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Site)) as address:
        yield address, asked


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[Served]:
    shutil.copytree(ECHO, tmp_path / "echo")
    manifest = tmp_path / "echo" / "manifest.yaml"
    raw = yaml.safe_load(manifest.read_text())
    raw["toolkit"]["logo"] = "https://127.0.0.1:9/logo"
    manifest.write_text(yaml.safe_dump(raw))
    with serving(store, manifests=[manifest]) as served:
        yield served


def test_a_logo_is_fetched_once_and_only_if_it_is_one(elsewhere: tuple[str, list[str]]) -> None:
    address, asked = elsewhere
    found = logos.Logos()
    for _ in range(2):
        assert found.find(f"{address}/logo") == logos.Logo(SVG, "image/svg+xml")
        for wrong in ("/page", "/large", "/gone"):
            assert found.find(f"{address}{wrong}") is None
    assert asked == ["/logo", "/page", "/large", "/gone"]


def test_pages_show_it_from_this_server(admin: Person, elsewhere: tuple[str, list[str]]) -> None:
    page = admin.open("/admin/tools/echo")
    shown = [given["src"] for tag, given in page.elements if tag == "img"]
    assert shown == ["/logos/echo"]
    answer = admin.client.get("/logos/echo")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert ">E</text>" in answer.text, "it can't be had, so initials are shown"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logos, "_logos", logos.Logos())
        loaded = admin.served.state.toolkits["ECHO"].loaded
        patch.setattr(loaded, "toolkit", loaded.toolkit.model_copy(update={"logo": f"{elsewhere[0]}/logo"}))
        answer = admin.client.get("/logos/echo")
    assert answer.content == SVG
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert admin.client.get("/logos/nothing").status_code == 404
    assert admin.client.get("/logos/openrouter").status_code == 404, "that one is packaged, and nothing is fetched"
