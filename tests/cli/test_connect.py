"""`connect`: typed without echo, piped, or through the browser; tried first, stored sealed, shown nowhere."""

from __future__ import annotations

import json
import socket
import sqlite3
import stat
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.commands import connect, key_input
from openrouter_toolkit.commands import terminal as terminal_of_commands
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Status, Store

from ..timing import wait_until
from .conftest import SCRIPT
from .terminals import Terminal

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]
OpenTerminal = Callable[..., Terminal]

KEY = "sk-or-v1-sandbox-a1b2c3d4e5f60718"
OTHER_KEY = "sk-or-v1-sandbox-9f8e7d6c5b4a3928"
MANAGEMENT_KEY = "sk-or-v1-sandbox-management-55667788"
EXPIRED_KEY = "sk-or-v1-sandbox-expired-0011223344"
FOREIGN_KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
ALL_KEYS = (KEY, OTHER_KEY, MANAGEMENT_KEY, EXPIRED_KEY, FOREIGN_KEY)


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> OpenTerminal:
    """Run the console script on a terminal."""

    def terminal(*command: str, **changes: str) -> Terminal:
        return Terminal([SCRIPT, *command], environment={**environment, **changes}, folder=tmp_path)

    return terminal


def lines(*keys: str) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode()
    assert done.stdout == b""
    assert text.startswith("openrouter-toolkit: ")
    assert text.count("\n") == 1
    return text.removeprefix("openrouter-toolkit: ")


def credentials(store: Store, user_id: str | None = "default") -> list[dict[str, str]]:
    """What a user's accounts hold, the oldest first."""
    accounts = [account for account in store.accounts.list() if account.user_id == user_id]
    return [dict(store.accounts.credentials(account.id) or {}) for account in reversed(accounts)]


def how_to_use(whose: str) -> str:
    return (
        f"Agents use it by openrouter-toolkit mcp{whose}, or serve; "
        f"to try it: openrouter-toolkit execute OPENROUTER_GET_CURRENT_KEY{whose}\n"
    )


def expire(environment: dict[str, str], account_id: str) -> None:
    path = environment["OPENROUTER_TOOLKIT_DATABASE"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        change = "UPDATE ort_connected_accounts SET status = 'EXPIRED', reason = 'Refused (401).' WHERE id = ?"
        assert database.execute(change, (account_id,)).rowcount == 1
    database.close()


# From standard input.


def test_a_key_from_standard_input(run: Run, store: Store) -> None:
    done = run("connect", "--stdin", stdin=lines(KEY))
    assert (done.returncode, done.stderr.decode()) == (0, how_to_use(""))
    (account,) = store.accounts.list()
    assert (account.user_id, account.alias, account.status, account.default) == ("default", None, Status.ACTIVE, True)
    free = "1000 of 1000 requests to free models left today"
    assert done.stdout.decode().splitlines() == [
        f"Connected OpenRouter for user default: {account.id}",
        f"  API key ending in 0718: limit $100.00, $100.00 left, $0.00 spent, {free}, does not expire",
    ]
    assert credentials(store) == [{"api_key": KEY}]


def test_a_second_line_is_the_management_key(run: Run, store: Store) -> None:
    done = run("connect", "--stdin", "--user-id", "alice", "--alias", "Work", stdin=lines(KEY, MANAGEMENT_KEY))
    assert done.returncode == 0
    assert b"Management key ending in 7788" in done.stdout
    assert credentials(store, "alice") == [{"api_key": KEY, "management_api_key": MANAGEMENT_KEY}]
    assert done.stderr.decode() == how_to_use(" --user-id alice")
    assert f"Work ({store.accounts.list()[0].id})" in done.stdout.decode()


def test_windows_line_ends_and_marks_are_no_part_of_a_key(run: Run, store: Store) -> None:
    done = run("connect", "--stdin", stdin=b"\xef\xbb\xbf" + f"  {KEY}\r\n{MANAGEMENT_KEY}\r\n\r\n".encode())
    assert done.returncode == 0
    assert credentials(store) == [{"api_key": KEY, "management_api_key": MANAGEMENT_KEY}]


def test_the_organisations_account(run: Run, store: Store) -> None:
    for option in ("--organisation", "--organization"):
        assert run("connect", "--stdin", option, stdin=lines(KEY)).returncode == 0
    (account,) = store.accounts.list()
    assert (account.user_id, account.users) == (None, None)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([FOREIGN_KEY], "it is wrong, revoked or expired"),
        ([EXPIRED_KEY], "This API key has expired"),
        ([MANAGEMENT_KEY], "completions would all fail"),
        ([KEY, OTHER_KEY], "Management key: This is an ordinary key"),
        ([KEY, "<your key>"], "Management key: This can't be a key"),
        (["sk-or-v1-..."], "it is a placeholder"),
        (["sk-or-v1-a key"], "white space"),
    ],
)
def test_a_key_that_does_not_pass_is_not_stored(run: Run, store: Store, keys: list[str], reason: str) -> None:
    done = run("connect", "--stdin", stdin=lines(*keys))
    assert done.returncode == 1
    told = complaint(done)
    assert reason in told
    assert told.endswith("Nothing was stored.\n")
    assert store.accounts.list() == []


def test_without_a_network_nothing_is_stored(run: Run, store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = run(
            "connect", "--stdin", stdin=lines(KEY), OPENROUTER_BASE_URL=f"http://127.0.0.1:{taken.getsockname()[1]}"
        )
    assert done.returncode == 1
    assert "API key: It could not be checked" in complaint(done)
    assert store.accounts.list() == []


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (lines(KEY, MANAGEMENT_KEY, KEY), "has 3 lines; give one for each of api_key, management_api_key (optional)"),
        (b"\n" * 70_000 + b"x", "too much"),
        (b"\xff\xfe", "not in UTF-8"),
    ],
)
def test_standard_input_that_holds_no_keys(run: Run, sent: bytes, reason: str) -> None:
    done = run("connect", "--stdin", stdin=sent)
    assert done.returncode == 2
    assert reason in complaint(done)


# What is typed on the command line.


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([KEY], "a key is never taken from here"),
        ([f"--api-key={KEY}"], "unknown option --api-key"),
        (["--api-key", KEY], "unknown option --api-key; a key is never taken from here"),
        (["--alias", KEY], "--alias looks like a key"),
        (["--user-id", KEY], "--user-id looks like a key"),
        (["--user-id", ""], "--user-id: a user_id is printable text"),
        (["--user-id", "a\nb"], "--user-id: "),
        (["--alias", " "], "--alias: "),
        (["--alias", "ca_home"], "--alias: an alias does not begin with ca_"),
        (["--user-id", "a", "--organisation"], "not allowed with"),
        (["--stdin", "--browser"], "not allowed with"),
        ([], "give it on standard input with --stdin"),
    ],
)
def test_wrong_command_lines(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    reason: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["connect", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
    assert printed.err.count("\n") == 1
    assert KEY not in printed.err


# Connected again.


def test_without_an_alias_the_account_without_one_gets_the_new_key(run: Run, store: Store) -> None:
    run("connect", "--stdin", stdin=lines(KEY))
    (before,) = store.accounts.list()
    done = run("connect", "--stdin", stdin=lines(OTHER_KEY))
    assert done.returncode == 0
    assert done.stdout.decode().startswith(f"Reconnected OpenRouter for user default: {before.id}\n")
    assert done.stderr.decode() == f"The new key will replace that of {before.id} (ACTIVE).\n{how_to_use('')}"
    assert credentials(store) == [{"api_key": OTHER_KEY}]


def test_the_same_alias_is_the_same_account_and_another_is_another(run: Run, store: Store) -> None:
    for alias, key in (("work", KEY), ("home", OTHER_KEY), ("work", OTHER_KEY)):
        done = run("connect", "--stdin", "--alias", alias, stdin=lines(key))
        assert done.returncode == 0
    assert {account.alias for account in store.accounts.list()} == {"work", "home"}
    assert credentials(store) == [{"api_key": OTHER_KEY}, {"api_key": OTHER_KEY}]


def test_users_and_the_organisation_have_accounts_of_their_own(run: Run, store: Store) -> None:
    for whose in (["--user-id", "alice"], ["--user-id", "bob"], ["--organisation"]):
        assert run("connect", "--stdin", *whose, stdin=lines(KEY)).stdout.startswith(b"Connected")
    assert len(store.accounts.list()) == 3


def test_a_second_account_says_how_to_make_it_the_default(run: Run, store: Store) -> None:
    run("connect", "--stdin", stdin=lines(KEY))
    done = run("connect", "--stdin", "--alias", "work", stdin=lines(OTHER_KEY))
    (work,) = (account for account in store.accounts.list() if account.alias == "work")
    assert f"openrouter-toolkit accounts default {work.id}" in done.stderr.decode()


def test_an_expired_account_is_the_one_that_is_reconnected(run: Run, store: Store, environment: dict[str, str]) -> None:
    run("connect", "--stdin", stdin=lines(KEY))
    run("connect", "--stdin", "--alias", "work", stdin=lines(KEY))
    (work,) = (account for account in store.accounts.list() if account.alias == "work")
    expire(environment, work.id)
    done = run("connect", "--stdin", stdin=lines(OTHER_KEY))
    assert done.stderr.decode().splitlines()[0] == (
        f"The new key will replace that of work ({work.id}) (EXPIRED: Refused (401))."
    )
    again = store.accounts.get(work.id)
    assert (again.status, again.reason, again.alias) == (Status.ACTIVE, None, "work")
    assert credentials(store) == [{"api_key": KEY}, {"api_key": OTHER_KEY}]


def test_a_new_alias_leaves_an_expired_account_alone(run: Run, store: Store, environment: dict[str, str]) -> None:
    run("connect", "--stdin", stdin=lines(KEY))
    expire(environment, store.accounts.list()[0].id)
    assert run("connect", "--stdin", "--alias", "new", stdin=lines(OTHER_KEY)).stdout.startswith(b"Connected")
    assert sorted(account.status for account in store.accounts.list()) == ["ACTIVE", "EXPIRED"]


def test_a_refused_key_leaves_the_old_one(run: Run, store: Store) -> None:
    run("connect", "--stdin", stdin=lines(KEY))
    assert run("connect", "--stdin", stdin=lines(FOREIGN_KEY)).returncode == 1
    assert credentials(store) == [{"api_key": KEY}]
    assert store.accounts.list()[0].status == Status.ACTIVE


def test_a_management_key_stays_when_only_the_other_is_given_anew(run: Run, store: Store) -> None:
    run("connect", "--stdin", stdin=lines(KEY, MANAGEMENT_KEY))
    assert run("connect", "--stdin", stdin=lines(OTHER_KEY)).returncode == 0
    assert credentials(store) == [{"api_key": OTHER_KEY, "management_api_key": MANAGEMENT_KEY}]


def test_a_management_key_that_works_no_more_does_not_stay(run: Run, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "default", {"api_key": KEY, "management_api_key": EXPIRED_KEY})
    done = run("connect", "--stdin", stdin=lines(OTHER_KEY))
    assert done.returncode == 0
    assert b"The Management key that was there is left out: " in done.stderr
    assert EXPIRED_KEY.encode() not in done.stderr
    assert credentials(store) == [{"api_key": OTHER_KEY}]


def test_a_broken_seal_is_mended_by_connecting_again(run: Run, store: Store, environment: dict[str, str]) -> None:
    accounts = [store.accounts.connect("OPENROUTER", user, {"api_key": KEY}) for user in ("alice", "bob")]
    path = environment["OPENROUTER_TOOLKIT_DATABASE"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        sealed = "SELECT sealed FROM ort_connected_accounts WHERE id = ?"
        swapped = database.execute(sealed, (accounts[1].id,)).fetchone()
        database.execute("UPDATE ort_connected_accounts SET sealed = ? WHERE id = ?", (*swapped, accounts[0].id))
    database.close()
    assert run("connect", "--stdin", "--user-id", "alice", stdin=lines(OTHER_KEY)).returncode == 0
    assert credentials(store, "alice") == [{"api_key": OTHER_KEY}]


# On a terminal.


def test_keys_are_typed_without_echo_after_the_steps(terminal: OpenTerminal, store: Store) -> None:
    with terminal("connect", OPENROUTER_TOOLKIT_DEBUG="1") as person:
        person.wait_for("API key (not shown): ")
        for step in ("1. Open openrouter.ai", "3. Click Create Key"):
            assert step in person.shown
        person.enter(f"  {KEY}  \n")
        person.wait_for("Management key (not shown; Enter leaves it out): ")
        assert KEY.encode() not in person.arguments()
        person.enter(f"{MANAGEMENT_KEY}\n")
        assert person.end() == 0
    assert "Connected OpenRouter for user default: ca_" in person.shown
    assert not any(key in person.shown for key in ALL_KEYS)
    assert credentials(store) == [{"api_key": KEY, "management_api_key": MANAGEMENT_KEY}]


@pytest.fixture
def typed(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`connect` in this process, with a person who types these answers; None is the end of the input."""

    def typed(*answers: str | None, words: tuple[str, ...] = ()) -> tuple[int, str]:
        left = list(answers)

        def ask(prompt: str, *, secret: bool) -> str | None:
            assert secret
            print(prompt, file=sys.stderr)
            return left.pop(0)

        monkeypatch.setattr(terminal_of_commands, "can_ask", lambda: True)
        monkeypatch.setattr(terminal_of_commands, "ask", ask)
        status = main(["connect", *words])
        printed = capsys.readouterr()
        assert left == []
        return status, printed.out + printed.err

    return typed


def test_enter_skips_the_optional_key(typed: Callable[..., Any], store: Store) -> None:
    assert typed(KEY, "", words=("--alias", "work"))[0] == 0
    assert credentials(store) == [{"api_key": KEY}]


def test_a_key_is_tried_before_another_is_asked_for_and_a_wrong_one_asked_for_again(
    typed: Callable[..., Any], store: Store
) -> None:
    status, shown = typed(FOREIGN_KEY, EXPIRED_KEY, FOREIGN_KEY)
    assert status == 1
    assert shown.count("API key (not shown): ") == 3
    assert shown.count("Try again.\nAPI key (not shown): ") == 2
    last = shown.rpartition("API key (not shown): ")[2]
    assert "it is wrong, revoked or expired" in last
    assert "Try again" not in last
    assert "Management key" not in shown
    assert store.accounts.list() == []


def test_what_is_asked_for_again_is_what_was_wrong(typed: Callable[..., Any], store: Store) -> None:
    status, shown = typed(FOREIGN_KEY, KEY, OTHER_KEY, MANAGEMENT_KEY)
    assert status == 0
    at = 0
    for text in (
        "API key (not shown): ",
        "Nothing was stored. Try again.\nAPI key (not shown): ",
        "Management key (optional): Reads",
        "Management key (not shown; Enter leaves it out): ",
        "Nothing was stored. Try again.\nManagement key (not shown; Enter leaves it out): ",
    ):
        at = shown.index(text, at) + len(text)
    assert shown.count("1. Open openrouter.ai and") == 1, "how to get one is told once"
    assert not any(key in shown for key in ALL_KEYS)
    assert credentials(store) == [{"api_key": KEY, "management_api_key": MANAGEMENT_KEY}]


def test_a_key_that_could_not_be_tried_is_not_asked_for_again(
    typed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        status, shown = typed(KEY)
    assert status == 1
    assert "It could not be checked" in shown
    assert "Try again." not in shown.partition("It could not be checked")[2].replace("Try again later", "")


@pytest.mark.parametrize("answer", ["", None])
def test_enter_alone_and_the_end_of_input_store_nothing(
    typed: Callable[..., Any], store: Store, answer: str | None
) -> None:
    status, shown = typed(answer)
    assert status == 1
    assert "openrouter-toolkit: nothing was given, and nothing was stored\n" in shown
    assert store.accounts.list() == []


def test_the_end_of_input_is_noticed_on_a_terminal(terminal: OpenTerminal) -> None:
    with terminal("connect") as person:
        person.wait_for("API key (not shown): ")
        person.enter("\x04")
        assert person.end() == 1
    assert "openrouter-toolkit: nothing was given, and nothing was stored\n" in person.shown


def test_ctrl_c_ends_it_with_130(terminal: OpenTerminal, store: Store) -> None:
    with terminal("connect") as person:
        person.wait_for("API key (not shown): ")
        person.enter("sk-or-v1-half\x03")
        assert person.end() == 130
    assert person.shown.endswith("Interrupted.\n")
    assert "half" not in person.shown
    assert "Traceback" not in person.shown
    assert store.accounts.list() == []


def test_stdin_refuses_a_terminal_which_would_show_the_key(terminal: OpenTerminal) -> None:
    with terminal("connect", "--stdin") as person:
        assert person.end() == 2
    assert "leave it out to be asked without echo" in person.shown


# Through the browser.


FAKE_BROWSER = """\
#!{python}
import pathlib, re, sys, urllib.parse, urllib.request
page = sys.argv[1]
folder = pathlib.Path({folder!r})
(folder / "argv").write_text(repr(sys.argv))
form = urllib.request.urlopen(page, timeout=20).read().decode()
fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)">(?!Authorize|Cancel)', form))
fields = {{name: value.replace("&amp;", "&") for name, value in fields.items()}}
assert ">Authorize<" in form
fields["decision"] = "authorize"
sent = urllib.parse.urlencode(fields).encode()
answer = urllib.request.urlopen(urllib.parse.urljoin(page, "/auth"), sent, timeout=60)
(folder / "url").write_text(answer.url)
(folder / "page").write_text(answer.read().decode())
"""


@pytest.fixture
def browser(tmp_path: Path) -> dict[str, str]:
    """What makes a script the browser: it opens the page and presses the button."""
    path = tmp_path / "browser"
    path.write_text(FAKE_BROWSER.format(python=sys.executable, folder=str(tmp_path)), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"BROWSER": str(path)}


def exchanged_key(sandbox: Sandbox) -> str:
    """The key that the sandbox gave for a code: with it the key was checked."""
    (key,) = {request.key for request in sandbox.requests if request.path == "/key" and request.key}
    assert key.startswith("sk-or-v1-sandbox-")
    return key


def test_the_browser_makes_a_key(
    run_process: Run, store: Store, sandbox: Sandbox, tmp_path: Path, browser: dict[str, str]
) -> None:
    done = run_process("connect", "--browser", "--alias", "work", OPENROUTER_TOOLKIT_DEBUG="1", **browser)
    assert done.returncode == 0, done.stderr
    key = exchanged_key(sandbox)
    assert credentials(store) == [{"api_key": key}]
    assert b"Connected OpenRouter for user default: work (ca_" in done.stdout
    assert "<h1>Connected</h1>" in (tmp_path / "page").read_text()
    told = done.stdout + done.stderr + b"".join((tmp_path / name).read_bytes() for name in ("argv", "url", "page"))
    assert key.encode() not in told
    (asked,) = (request for request in sandbox.requests if request.path == "/auth" and request.method == "GET")
    assert asked.query["code_challenge_method"] == "S256"
    assert asked.query["key_label"] == "openrouter-toolkit work"
    assert asked.query["callback_url"].startswith("http://127.0.0.1:")
    (exchange,) = (request for request in sandbox.requests if request.path == "/auth/keys")
    assert exchange.key is None
    assert exchange.body["code_verifier"].encode() not in told


def test_no_browser_is_said_and_the_address_still_works(
    start: Start, store: Store, sandbox: Sandbox, environment: dict[str, str]
) -> None:
    environment |= {"BROWSER": "/nowhere/browser", "PATH": "/nowhere"}
    environment.pop("DISPLAY", None)
    process = start("connect", "--browser")
    assert process.stderr is not None
    process.stderr.readline()
    page = process.stderr.readline().decode().strip()
    assert b"No browser could be opened here" in process.stderr.readline()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    callback = query["callback_url"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(callback.rpartition("/")[0] + "/wrong-state?code=x", timeout=10)
    assert caught.value.code == 404
    caught.value.close()
    form = urllib.parse.urlencode({**query, "decision": "authorize"}).encode()
    with urllib.request.urlopen(urllib.parse.urljoin(page, "/auth"), form, timeout=30) as answer:
        assert b"<h1>Connected</h1>" in answer.read()
    assert process.wait(30) == 0
    assert credentials(store) == [{"api_key": exchanged_key(sandbox)}]


@pytest.fixture
def pressed(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`connect --browser` in this process: its status, both outputs, and the page in the browser after a button."""

    def pressed(decision: str, **changes: str) -> tuple[int, str, str, str]:
        pages: list[str] = []

        def browse(url: str) -> bool:
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)) | changes | {"decision": decision}
            form = urllib.parse.urlencode(query).encode()
            with urllib.request.urlopen(urllib.parse.urljoin(url, "/auth"), form, timeout=60) as answer:
                pages.append(answer.read().decode())
            return True

        monkeypatch.setattr(webbrowser, "open", browse)
        status = main(["connect", "--browser"])
        wait_until(lambda: bool(pages))
        printed = capsys.readouterr()
        return status, printed.out, printed.err, pages[0]

    return pressed


def test_a_refusal_in_the_browser(pressed: Callable[..., Any], store: Store) -> None:
    status, out, err, page = pressed("cancel")
    assert (status, out) == (1, "")
    assert "openrouter-toolkit: the login was refused in the browser, and nothing was stored\n" in err
    assert "You refused" in page
    assert store.accounts.list() == []


def test_a_code_of_somebody_elses_login_is_refused(pressed: Callable[..., Any], store: Store) -> None:
    status, _, err, page = pressed("authorize", code_challenge="somebody-elses")
    assert status == 1
    assert "OpenRouter refused the code" in err
    assert "<h1>Not connected</h1>" in page
    assert store.accounts.list() == []


def test_ctrl_c_while_the_browser_is_out(terminal: OpenTerminal, store: Store) -> None:
    with terminal("connect", "--browser", BROWSER="/bin/true") as person:
        person.wait_for("code_challenge=")
        person.enter("\x03")
        assert person.end() == 130
    assert "Traceback" not in person.shown
    assert store.accounts.list() == []


def code_of(page: str) -> str:
    """The code that OpenRouter's page shows after Authorize."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    assert "callback_url" not in query
    form = urllib.parse.urlencode({**query, "decision": "authorize"}).encode()
    with urllib.request.urlopen(urllib.parse.urljoin(page, "/auth"), form, timeout=10) as answer:
        text: str = answer.read().decode()
    return text.partition('<code id="code">')[2].partition("</code>")[0]


def test_a_pasted_code(terminal: OpenTerminal, store: Store, sandbox: Sandbox) -> None:
    with terminal("connect", "--headless", "--user-id", "alice") as person:
        person.wait_for("Then paste the code here: ")
        page = next(line.strip() for line in person.shown.splitlines() if "/auth?" in line)
        person.enter(f" {code_of(page)} \n")
        assert person.end() == 0
    key = exchanged_key(sandbox)
    assert key not in person.shown
    assert credentials(store, "alice") == [{"api_key": key}]


def test_a_code_from_standard_input(start: Start, store: Store, sandbox: Sandbox) -> None:
    process = start("connect", "--headless", stdin=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()
    output, _ = process.communicate(f"{code_of(process.stderr.readline().decode().strip())}\n".encode(), timeout=30)
    assert process.returncode == 0
    assert output.startswith(b"Connected OpenRouter")
    assert credentials(store) == [{"api_key": exchanged_key(sandbox)}]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (b"auth_code_invented\n", 1, b"OpenRouter refused the code: it is wrong"),
        (b"", 1, b"there was no code, and nothing was stored"),
        (b"\n", 1, b"there was no code, and nothing was stored"),
        (b"two words\x07\n", 1, b"That is no code"),
    ],
)
def test_a_wrong_code(run: Run, store: Store, code: bytes, status: int, reason: bytes) -> None:
    done = run("connect", "--headless", stdin=code)
    assert (done.returncode, done.stdout) == (status, b"")
    assert reason in done.stderr
    assert store.accounts.list() == []


MADE = "sk-or-v1-sandbox-4d3c2b1a00ffee11"
ORPHANED = "A key called openrouter-toolkit was made: delete it at https://openrouter.ai/keys.\n"


@pytest.fixture
def login(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`connect --headless` in this process, with a login that makes a key; what happens then is given."""

    def login(then: Callable[[], object] = lambda: None, key: str = MADE) -> tuple[int, str, str]:
        def made(*_: object) -> str:
            then()
            return key

        monkeypatch.setattr(key_input, "log_in_with_pasted_code", made)
        status = main(["connect", "--headless"])
        printed = capsys.readouterr()
        assert key not in printed.out + printed.err
        return status, printed.out, printed.err

    return login


def test_a_made_key_is_not_forgotten_when_the_store_says_no(login: Callable[..., Any], store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "default", {"api_key": KEY})
    status, out, err = login(lambda: store.accounts.disconnect(account.id))
    assert (status, out) == (1, "")
    assert ORPHANED in err


def test_a_made_key_is_not_forgotten_when_it_is_refused(login: Callable[..., Any], store: Store) -> None:
    status, out, err = login(key=EXPIRED_KEY)
    assert (status, out) == (1, "")
    assert ORPHANED in err
    assert "Nothing was stored." in err
    assert store.accounts.list() == []


@pytest.mark.parametrize(("raised", "status"), [(KeyboardInterrupt, 130), (RuntimeError, 1), (MemoryError, 1)])
def test_a_made_key_is_not_forgotten_whatever_is_raised(
    login: Callable[..., Any], store: Store, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], status: int
) -> None:
    def broken(*_: object) -> None:
        raise raised

    monkeypatch.setattr(connect, "check", broken)
    told = login()
    assert told[:2] == (status, "")
    assert ORPHANED in told[2]
    assert store.accounts.list() == []


def test_a_made_key_that_is_stored_is_no_orphan_when_it_cannot_be_told(
    login: Callable[..., Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(connect, "print_line", broken)
    assert login()[0] == 141
    assert credentials(store) == [{"api_key": MADE}]
    assert "was made" not in login()[2]


# The key, nowhere.


def test_no_key_is_in_any_output_or_file(run: Run, tmp_path: Path) -> None:
    told = b""
    for keys in ([KEY, MANAGEMENT_KEY], [FOREIGN_KEY], [EXPIRED_KEY], [MANAGEMENT_KEY], [KEY, OTHER_KEY]):
        done = run("connect", "--stdin", stdin=lines(*keys), OPENROUTER_TOOLKIT_DEBUG="1")
        told += done.stdout + done.stderr
    for path in tmp_path.iterdir():
        told += path.read_bytes()
    assert len(told) > 10_000, "the database is not there"
    for key in ALL_KEYS:
        assert key.encode() not in told
        assert key[-13:].encode() not in told


# A store that can't be opened.


def test_a_wrong_master_key_is_told_before_anybody_types_a_key(run: Run, store: Store) -> None:
    store.accounts.connect("OPENROUTER", "default", {"api_key": KEY})
    other = "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
    done = run("connect", "--stdin", stdin=lines(KEY), OPENROUTER_TOOLKIT_MASTER_KEY=other)
    assert done.returncode == 1
    told = complaint(done)
    assert "Nothing was changed" in told
    assert other not in told


def test_a_database_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    for url in ("mysql://somewhere/x", f"sqlite:///{tmp_path}/none/store.db", "postgresql://u:pass-word@[::1"):
        done = run("connect", "--stdin", stdin=lines(KEY), OPENROUTER_TOOLKIT_DATABASE=url)
        assert done.returncode == 1
        assert "pass-word" not in complaint(done)


def test_what_was_connected_is_what_a_registry_calls_with(
    run: Run, store: Store, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openrouter_toolkit import ToolRegistry

    run("connect", "--stdin", "--user-id", "alice", stdin=lines(KEY))
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    with ToolRegistry.from_manifest(accounts=store.for_registry()) as registry:
        envelope = registry.execute("OPENROUTER_GET_CURRENT_KEY", {}, user_id="alice")
    assert json.loads(envelope.data)["data"]["label"]
    assert sandbox.requests[-1].key == KEY
