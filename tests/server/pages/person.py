"""Somebody with a browser that runs no script: pages as they read, their links, their forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from ..served import Served

_VOID = {"input", "meta", "link", "img", "br", "hr"}
# What starts a line of its own; everything else stands beside what comes before.
_BLOCKS = {"p", "li", "div", "h1", "h2", "h3", "dt", "dd", "section", "main", "form", "ul", "ol", "article", "title"}


@dataclass
class Form:
    """A form: where it goes, what it sends if nothing is changed, the words of its button."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class Page(HTMLParser):
    """A page that came."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.answer = answer
        self.status = answer.status_code
        self.html = answer.text
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._link: tuple[str, list[str]] | None = None
        self._texts: list[str] = []
        self.feed(self.html)

    @property
    def text(self) -> str:
        """What people read."""
        lines = ("".join(self._texts)).split("\n")
        return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)

    def form(self, button: str = "", to: str = "") -> Form:
        """The form with a button of these words, or with this address."""
        sent = [form for form in self.forms if form.method == "post" and form.action != "/logout"]
        (found,) = [form for form in sent if button in form.button and to in form.action]
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag in _BLOCKS:
            self._texts.append("\n")
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "a":
            self._link = (given.get("href", ""), [])
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag == "input" and self.forms and given.get("name"):
            chosen = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if chosen:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag in ("textarea", "select") and self.forms:
            self.forms[-1].fields[given["name"]] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "a" and self._link is not None:
            address, words = self._link
            self.links[" ".join("".join(words).split())] = address
            self._link = None
        if tag in _BLOCKS:
            self._texts.append("\n")

    def handle_data(self, data: str) -> None:
        self._texts.append(data)
        if self._link is not None:
            self._link[1].append(data)
        if self._open and self._open[-1] == "button" and self.forms:
            self.forms[-1].button += data


class Person:
    """Opens pages and sends forms. Redirects are followed, as browsers do, to the end."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.client = served.client()

    def log_in(self) -> Person:
        self.send(self.open(self.served.login_link()), "Log in")
        return self

    def open(self, address: str) -> Page:
        return self._followed(self.client.get(address))

    def send(self, page: Page, button: str = "", *, to: str = "", **changed: str) -> Page:
        form = page.form(button, to)
        address = str(page.answer.url.join(form.action)) if form.action else str(page.answer.url)
        return self.post(address, **{**form.fields, **changed})

    def post(self, address: str, **fields: str) -> Page:
        return self._followed(self.client.post(address, data=fields))

    def _followed(self, answer: httpx2.Response) -> Page:
        while answer.is_redirect:
            answer = self.client.get(answer.url.join(answer.headers["Location"]))
        return Page(answer)
