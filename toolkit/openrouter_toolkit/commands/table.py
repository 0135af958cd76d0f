"""The table of commands: names, functions, help and options, in the order in which the help lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import argument_types as types
from . import completers
from .argument_types import BY
from .parser import Command, Option, flag, one_of, option, several

_SLUG = option("slug SLUG", "the action; `openrouter-toolkit actions` lists them", complete=completers.slugs)
_JSON = flag("--json", "for programs")
_PORT = option("--port P", "the port (default: a free one)", types.port, default=0)
_WHOSE = option(
    "--user-id U",
    "whose connected account (default: the config file's user, or default)",
    types.user,
    default=types.Configurable("default"),
    complete=completers.users,
)
_TIMEOUT = option("--timeout SECONDS", "for the whole call (default: no limit)", types.call_timeout)
_SETTING = option("name NAME", "model, user or output", complete=completers.settings)
_TOOLSETS = several("--toolsets NAME", "only the actions of these toolsets (default: documented); all for all of them")
_TOOLSET = (
    _TOOLSETS,
    several("--allow SLUG|TAG", "only these actions, or those of these toolkits"),
    several("--deny SLUG|TAG", "not these actions, whatever else is said"),
    flag("--read-only", "only actions that change nothing"),
)
_MANIFEST = option("--manifest PATH", "a further toolkit's manifest; may be given again", action="append", default=[])
_TAKEN_MANIFEST = option(
    "--manifest PATH", "taken as by other commands; a token is for all toolkits", action="append", default=[]
)
_OF_USER = option(
    "--user-id U",
    "only accounts of this user; a list has the organisation's that it may use, too",
    complete=completers.users,
)
_PERSON = option("name NAME", "the person: the name, in any letter case, or the id")
_ROLES = ("owner", "administrator", "auditor", "member")
_LINK_URL = option("url URL", "where the web application is opened")
_ADDRESS = option("address URL", "the whole address, letter by letter")
_NOTES = (
    option("--agent LABEL", "the agent that calls, for the ledger"),
    option("--session-id ID", "the conversation or run, for the ledger"),
)
_CALLS = (
    option("--user-id U", "of this user", complete=completers.users),
    option("--toolkit SLUG", "of this toolkit"),
    option("--action SLUG", "of this action", dest="slug", complete=completers.slugs),
    option("--model MODEL", "that this model answered", complete=completers.models),
    option("--provider NAME", "that this provider answered"),
    option("--account ID", "with this connected account"),
    option("--token ID", "with this API token"),
    option("--agent LABEL", "of this agent"),
    option("--error-type TYPE", "that failed so"),
    one_of(
        flag("--failed", "that failed", action="store_const", const=False, dest="successful"),
        flag("--successful", "that did not fail", action="store_const", const=True, dest="successful"),
    ),
    option("--since TIME", "from then on: a date, a time, or how long ago, such as 24h or 7d", types.moment),
    option("--until TIME", "before then", types.moment),
)
_WEBHOOK = option("id ID", "the webhook: its id (wh_...), or the beginning of it")
_PRIVATE = flag("--private-webhooks", "allow http, and addresses of this machine and of private networks")
_BUDGET = option("name NAME", "the budget", complete=completers.budgets)
_ALL_STATES = flag("--all", "all for whom a budget counts, and not only those who have used most")
_SERVER_NAME = "io.github.openrouter-toolkit/openrouter-toolkit"


def _of_account(name: str, help: str, *options: Option) -> Command:
    """An action on one account."""
    account = option("id ID", "the account: its id, the beginning of it, or its alias")
    return Command(f"accounts {name}", help, account, _JSON, _OF_USER, _MANIFEST, *options)


def _limits(*, none: bool) -> tuple[Option, ...]:
    """The limits of a budget."""

    def kind(read: Callable[[str], Any]) -> Callable[[str], Any]:
        return types.budget_limit(read) if none else read

    more = ", or none" if none else ""
    return (
        option("--usd USD", f"US dollars{more}", kind(types.dollars)),
        option("--tokens N", f"tokens, read and written{more}", kind(types.count)),
        option("--calls N", f"calls{more}", kind(types.count)),
        option("--at-once N", f"calls that are made at once{more}", kind(types.count)),
    )


def _output(name: str, help: str) -> Option:
    """A flag that chooses what `execute` prints."""
    return flag(f"--{name}", help, action="store_const", const=name, dest="output_form")


def _count(usage: str, help: str, *, high: int, default: int) -> Option:
    """An option that is an integer from 1 to `high`."""
    number = types.number(int, 1, high, f"give a number from 1 to {high}")
    return option(usage, f"{help} (default: {default})", number, default=default)


COMMANDS = (
    Command(
        "actions",
        "list the actions",
        flag("--json", "as a JSON array, for programs"),
        _TOOLSETS,
        _MANIFEST,
        run="actions:list_actions",
        description="Lists the actions: what agents see without asking, or those of other toolsets.",
    ),
    Command(
        "show",
        "tell about one action",
        _SLUG,
        flag("--json", "its full definition, for programs"),
        _MANIFEST,
        description="Tells about one action.",
    ),
    Command(
        "ask",
        "put a question to a model",
        option("words QUESTION", "the question; what standard input holds is added below it", nargs="*", default=[]),
        option(
            "-m,--model MODEL",
            "the model (default: that of the conversation, or the config file's)",
            complete=completers.models,
        ),
        option("--system TEXT", "instructions for the model, in front of the conversation"),
        one_of(
            flag("-c --continue", "go on with the last conversation", dest="continued"),
            flag("--new", "begin a conversation, as it does anyway without --continue"),
        ),
        _WHOSE,
        _TIMEOUT,
        flag("--json", "the envelope, for programs, when the answer has ended"),
        flag("-q --quiet", "neither the price nor the cost on standard error"),
        description="""\
Asks a model and prints its answer while it arrives. The model's price and what the answer cost are on standard error.
The last conversation is kept in a file that only you may read, for --continue.""",
        examples="""\
examples:
  openrouter-toolkit ask -m acme/atlas-small What is 17 \\* 3?
  openrouter-toolkit ask --continue And squared?
  git diff | openrouter-toolkit ask Write a commit message for this change""",
    ),
    Command(
        "models",
        "search the models",
        option("words WORD", "words that the id or the name has", nargs="*", default=[]),
        option("--context TOKENS", "with this context length at least", types.tokens),
        option("--max-price USD", "neither token costs more, in US dollars per million", types.price),
        flag("--free", "only those that cost nothing"),
        several("--input MODALITY", "that take this: text, image, file, audio, video", default=[]),
        several("--output MODALITY", "that give this: text, image, audio, embeddings", default=[]),
        several("--supports PARAMETER", "that support this parameter, such as tools or reasoning", default=[]),
        option(
            "--sort",
            "by the sum of both prices, the context length, the name or the age (default: as the API lists them)",
            choices=("price", "context", "name", "newest"),
        ),
        _WHOSE,
        flag("--json", "the API's own entries as a JSON array, for programs"),
        description="Lists the models that have all the words and pass all the filters.",
        examples="""\
examples:
  openrouter-toolkit models --supports tools --max-price 1 --sort price
  openrouter-toolkit models atlas --context 100000""",
    ),
    Command(
        "execute",
        "execute an action",
        _SLUG,
        option(
            "parameters NAME=VALUE",
            "an argument: text, or JSON where the action wants more than text; @FILE is what a file holds",
            nargs="*",
            default=[],
            complete=completers.parameters,
        ),
        option(
            "--arguments JSON|@FILE|-",
            "its arguments: a JSON object, a file that holds one, or - to read it from standard input",
            default="{}",
        ),
        _WHOSE,
        flag("--stream", "show tokens on standard error as they come"),
        _TIMEOUT,
        *_NOTES,
        one_of(
            _output("envelope", "print the envelope (the default, unless the config file says otherwise)"),
            _output("pretty", "print it indented, with its data as JSON instead of text"),
            _output("data", "print the data alone; an error goes to standard error"),
            _output("text", "print what the model said alone; an error goes to standard error"),
        ),
        _MANIFEST,
        description="""\
Executes an action and prints its envelope, one JSON object with data, error and successful, on standard output.
Exit status: 0 successful, 1 not successful, 2 wrong command line (then nothing is printed there).""",
        examples="""\
examples:
  openrouter-toolkit execute OPENROUTER_GET_CURRENT_KEY
  openrouter-toolkit execute OPENROUTER_GET_GENERATION id=gen-1 --data
  openrouter-toolkit execute OPENROUTER_GET_GENERATION --arguments '{"id": "gen-1"}'
  openrouter-toolkit execute OPENROUTER_CREATE_COMPLETION model=acme/atlas-small prompt=@prompt.txt max_tokens=50 --text
  openrouter-toolkit execute OPENROUTER_CREATE_CHAT_COMPLETION --arguments @chat.json --stream""",
    ),
    Command(
        "quote",
        "say what a call would cost, without making it",
        _SLUG,
        option(
            "parameters NAME=VALUE",
            "an argument, as for execute",
            nargs="*",
            default=[],
            complete=completers.parameters,
        ),
        option("--arguments JSON|@FILE|-", "its arguments, as for execute", default="{}"),
        _WHOSE,
        _MANIFEST,
        flag("--json", "as a JSON object, for programs"),
        description="""\
Says what a call would cost at most and about by the catalogue's prices, for each model that may answer, and names up to
five models that can do this very call for less. Nothing is sent but a request for the catalogue.
Exit status: 0, or 1 where a model that is named can't do the call.""",
        examples="""\
example:
  openrouter-toolkit quote OPENROUTER_CREATE_COMPLETION model=acme/atlas-small prompt=@prompt.txt max_tokens=50""",
    ),
    Command(
        "bulk",
        "execute an action for each line of a file",
        _SLUG,
        option(
            "file FILE",
            "JSON lines: on each the arguments of a call, or an object of id and arguments; - reads them from standard "
            "input; or a table for --template: .csv, .jsonl or .parquet",
        ),
        option("--output FILE", "where each answer is appended, as a line of JSON; a run continues it", required=True),
        _count("--concurrency N", "how many calls are made at once", high=1000, default=16),
        option(
            "--max-cost USD",
            "what the run may cost; a call whose worst case does not fit into what is left is not sent",
            types.dollars,
        ),
        flag("--ordered", "write the answers in the order of the lines"),
        flag("--retry-failed", "send the lines again whose answer in the output is a failure"),
        option(
            "--arguments JSON|@FILE", "arguments of every line; its own come first, such as max_tokens", default="{}"
        ),
        option("--template TEXT", 'the prompt for each row of a table, such as "Summarise: {text}"'),
        option("--model ID", "the model that answers the template", complete=completers.models),
        option("--id-column NAME", "the column whose value is a row's id (default: the row's number)"),
        _WHOSE,
        option("--timeout SECONDS", "for each call (default: no limit)", types.call_timeout),
        *_NOTES,
        option("--report FILE.html", "write a report that needs no network"),
        flag("--report-answers", "show the first 100 answers in the report, too"),
        flag("--json", "print the summary for programs"),
        description="""\
Executes an action for each line of a file, many at once, and appends each answer to the output as it comes:
{"id": …, "envelope": {…}}. A run that ended early, or was killed, is continued by the same command: lines that have an
answer are not sent again. Exit status: 0 every line has a successful answer, 1 not, 2 wrong command line or input (then
nothing was sent).""",
        examples="""\
examples:
  openrouter-toolkit bulk OPENROUTER_CREATE_CHAT_COMPLETION questions.jsonl --output answers.jsonl --max-cost 5
  openrouter-toolkit bulk OPENROUTER_CREATE_CHAT_COMPLETION reviews.csv --output answers.jsonl \\
      --template "Summarise: {text}" --model acme/atlas-small --id-column id --arguments '{"max_tokens": 200}'""",
    ),
    Command(
        "tools",
        "print the actions' definitions for function calling",
        option(
            "--format FORMAT",
            "openai (the default) or another; one that does not exist is answered with all that there are",
            types.tool_format,
            default="openai",
        ),
        flag("--extensions", "with the parameters that the API takes beyond the documented ones"),
        *_TOOLSET,
        _MANIFEST,
        run="actions:print_tools",
        description="Prints the actions' definitions as a JSON array, in the format that a model's API takes.",
    ),
    Command(
        "mcp",
        "serve the actions to an MCP client (stdio)",
        _WHOSE,
        *_TOOLSET,
        _MANIFEST,
        description=(
            "Serves the actions as tools of the Model Context Protocol on standard input and output, for "
            "one client that starts this command, until its input ends. The client has to hand "
            "OPENROUTER_API_KEY down to it, unless accounts are connected."
        ),
    ),
    Command(
        "connect",
        "connect an account",
        one_of(
            option("--user-id U", "whose account (default: default)", default="default"),
            flag("--organisation --organization", "the organisation's, which every user may use"),
        ),
        option("--alias A", "what to call it, to tell it from others"),
        one_of(
            flag("--stdin", "read the key from standard input, a second on a second line"),
            flag("--browser", "log in with the browser, which makes a key"),
            flag("--headless", "the same with a browser elsewhere: paste its code"),
        ),
        _MANIFEST,
        option("--toolkit SLUG", "which toolkit's (default: that of the manifest; without one, OPENROUTER)"),
        description="""\
Connects an account: asks for the key without showing it, tries it, and keeps it sealed. Where the user has an account
of that alias (or of none), or one that has expired, it gets the new key in place of the old one.""",
        examples="""\
examples:
  openrouter-toolkit connect
  openrouter-toolkit connect --user-id alice --alias work < key.txt --stdin
  openrouter-toolkit connect --browser""",
    ),
    Command(
        "accounts",
        "list and manage connected accounts",
        _JSON,
        _OF_USER,
        _MANIFEST,
        run="accounts:list_accounts",
        description=(
            "Lists connected accounts, the newest first, or does something with one. An ID may be "
            "shortened while it is unambiguous, or be the account's alias."
        ),
    ),
    Command("accounts list", "list them all", _JSON, _OF_USER, _MANIFEST, run="accounts:list_accounts"),
    _of_account("show", "show one, with the limits and the spending of its keys as they are now"),
    _of_account(
        "rename",
        "give it another alias",
        one_of(
            option("alias ALIAS", "the new alias", nargs="?"), flag("--no-alias", "take the alias away"), required=True
        ),
    ),
    _of_account("default", "make it its owner's first choice"),
    _of_account(
        "share",
        "say who may use an account of the organisation's",
        one_of(
            option("--with U", "these users and no others", nargs="+", dest="users"),
            flag("--everyone", "every user"),
            required=True,
        ),
    ),
    _of_account("disable", "switch it off; nothing is forgotten"),
    _of_account("enable", "switch it on again, or take an expired one back once its key works"),
    _of_account("disconnect", "forget it and its keys", flag("--yes", "do not ask")),
    Command(
        "tokens",
        "make, list and revoke API tokens",
        _JSON,
        _TAKEN_MANIFEST,
        run="tokens:list_tokens",
        description=("Lists the API tokens, with which hosts call the web application, or does something with one."),
    ),
    Command(
        "tokens create",
        "make one",
        option("--name N", "what to call it", default="made on the command line"),
        several("--user-id U", "for whom it may act (default: every user)"),
        option("--agent LABEL", "the agent that gets it; the ledger notes it, whatever callers name"),
        _JSON,
        _TAKEN_MANIFEST,
        description="Makes a token and prints it alone on standard output, this one time.",
    ),
    Command(
        "tokens list",
        "list them all",
        _JSON,
        _TAKEN_MANIFEST,
        run="tokens:list_tokens",
        description="Lists all tokens, revoked ones too.",
    ),
    Command(
        "tokens revoke",
        "end one",
        option("id ID", "its id (tok_...), or the beginning of it"),
        _JSON,
        _TAKEN_MANIFEST,
        description="Ends a token, everywhere and at once.",
    ),
    Command(
        "calls",
        "list the calls in the ledger",
        *_CALLS,
        option("--session-id ID", "of this conversation or run"),
        _count("--limit N", "how many", high=1000, default=50),
        option("--cursor ID", "go on behind this call, the last one of a list"),
        _JSON,
        run="calls:list_calls",
        description="Lists calls from the ledger, the newest first, or tells about one.",
        examples="""\
examples:
  openrouter-toolkit calls --failed --since 24h
  openrouter-toolkit calls --user-id alice --model acme/atlas-small --json
  openrouter-toolkit calls show call_036e859c60f4568a""",
    ),
    Command(
        "calls show",
        "tell about one",
        option("id ID", "the call"),
        _JSON,
        description="Tells all that the ledger has of a call and, if it failed, what to do.",
    ),
    Command(
        "usage",
        "sum up calls, tokens and costs from the ledger",
        several(
            "--by DIMENSION",
            "broken down by user (the default), model, provider, action, toolkit, token, account, agent, error_type, "
            "day; or several",
            choices=BY,
        ),
        *_CALLS,
        one_of(_JSON, flag("--csv", "for spreadsheets")),
        run="calls:usage",
        description="Sums up the ledger, in whole days in UTC: calls, failures, tokens, costs in US dollars, and in "
        "how many milliseconds half of the calls, and 95 of 100, ended.",
        examples="""\
examples:
  openrouter-toolkit usage --by model --since 30d
  openrouter-toolkit usage --by day user --since 2026-11-01 --csv""",
    ),
    Command(
        "webhooks",
        "send events to other programs and people",
        _JSON,
        run="webhooks:list_webhooks",
        description="Lists the addresses that receive events, such as a refused key, or does something with one. "
        "A server delivers to them.",
    ),
    Command("webhooks list", "list them all", _JSON, run="webhooks:list_webhooks"),
    Command(
        "webhooks add",
        "add one",
        option(
            "address ADDRESS",
            "an https URL, an incoming webhook of Slack's, or an e-mail address; - reads it from standard input, since "
            "who has Slack's can post there",
        ),
        several("--event EVENT", "which events it receives, such as account.refused (default: all)"),
        _PRIVATE,
        _JSON,
        description="Adds a webhook and prints the secret that signs its deliveries, this one time; Slack and e-mail "
        "have none.",
        examples="""\
examples:
  openrouter-toolkit webhooks add https://example.com/hooks/openrouter --event account.refused account.low
  openrouter-toolkit webhooks add - < slack-address.txt
  openrouter-toolkit webhooks add ops@example.com""",
    ),
    Command("webhooks test", "send it a test event, now", _WEBHOOK, _PRIVATE, _JSON),
    Command("webhooks on", "switch it on again", _WEBHOOK, _JSON),
    Command("webhooks off", "switch it off; it receives nothing that happens meanwhile", _WEBHOOK, _JSON),
    Command(
        "webhooks replace-secret",
        "make a new secret for it",
        _WEBHOOK,
        _JSON,
        description="Prints a new secret, this one time. For a day, deliveries are signed with the earlier one too.",
    ),
    Command("webhooks remove", "forget it and its deliveries", _WEBHOOK, _JSON),
    Command(
        "webhooks deliveries",
        "list the newest deliveries",
        option("id ID", "of this webhook alone", nargs="?"),
        _count("--limit N", "how many", high=1000, default=50),
        _JSON,
    ),
    Command(
        "webhooks resend",
        "let a delivery be made again, with the same id",
        option("id ID", "the delivery: its id (dlv_...), or the beginning of it"),
        _JSON,
    ),
    Command(
        "budgets",
        "limit what calls may cost, and how many there are",
        _ALL_STATES,
        _JSON,
        run="budgets:list_budgets",
        description="Lists the budgets and how it stands with each, or does something with one.",
        examples="""\
examples:
  openrouter-toolkit budgets set each-user --usd 5 --per day --user '*'
  openrouter-toolkit budgets set research --usd 200 --calls 10000 --user alice bob --model 'anthropic/*'
  openrouter-toolkit budgets raise research --usd 300 --for 7d
  openrouter-toolkit budgets""",
    ),
    Command("budgets list", "list them all", _ALL_STATES, _JSON, run="budgets:list_budgets"),
    Command(
        "budgets set",
        "make one, or change what is named of one",
        _BUDGET,
        *_limits(none=True),
        option("--per TIME", "in what time: " + ", ".join(types.PER) + " (default: month)", choices=types.PER),
        option("--zone ZONE", "the time zone in which days begin (default: UTC)"),
        one_of(
            flag("--rolling", "the last hour, day, week or 30 days, instead of the present one", default=None),
            flag("--calendar", "the present one, as it is anyway", action="store_false", dest="rolling", default=None),
        ),
        several("--user U", "only these users; '*' alone is each for itself, so below", complete=completers.users),
        several("--agent LABEL", "only these agents"),
        several("--token ID", "only these API tokens"),
        several("--account ID", "only these connected accounts"),
        several("--model MODEL", "only these models, or patterns: 'anthropic/*'", complete=completers.models),
        several(
            "--action SLUG", "only these actions, or patterns; those that are free, too", complete=completers.slugs
        ),
        several("--any DIMENSION", "no longer only those of user, agent, …", choices=types.BUDGET_DIMENSIONS),
        one_of(
            flag("--soft", "make calls beyond it, too", action="store_false", dest="hard", default=None),
            flag("--hard", "refuse them, as it does anyway", default=None),
        ),
        one_of(
            flag("--allow-unknown-price", "allow calls of unknown price while anything is left", default=None),
            flag(
                "--refuse-unknown-price",
                "refuse them, as it does anyway",
                action="store_false",
                dest="allow_unknown_price",
                default=None,
            ),
        ),
        one_of(
            flag(
                "--keep-max-tokens",
                "refuse a call without max_tokens whose longest answer does not fit",
                action="store_false",
                dest="lower_max_tokens",
                default=None,
            ),
            flag("--lower-max-tokens", "set it to what fits, as it does anyway", default=None),
        ),
        _JSON,
        description="""\
Makes a budget for all calls that cost money, or for those that it names; or changes one, of which what is not named
stays as it is. What calls have used in its time before it was made counts, as far as the ledger has it.""",
        examples="""\
examples:
  openrouter-toolkit budgets set each-user --usd 5 --per day --zone Europe/Berlin --user '*'
  openrouter-toolkit budgets set each-user --calls 500
  openrouter-toolkit budgets set each-user --usd none --any user""",
        run="budgets:set_budget",
    ),
    Command(
        "budgets raise",
        "set other limits for a while",
        _BUDGET,
        *_limits(none=False),
        one_of(
            option("--until TIME", "until then: a date, or a time in ISO 8601, in UTC without an offset", types.moment),
            option("--for TIME", "so long from now, such as 2h or 7d", types.duration, dest="length"),
            flag("--end", "end it now"),
            required=True,
        ),
        _JSON,
        examples="""\
examples:
  openrouter-toolkit budgets raise research --usd 300 --until 2026-12-24T18:00
  openrouter-toolkit budgets raise research --end""",
        run="budgets:raise_budget",
    ),
    Command("budgets remove", "remove one", _BUDGET, _JSON),
    Command(
        "keys", "change the master key", run="", description="The master key with which connected accounts are sealed."
    ),
    Command(
        "keys rotate",
        "change it for a new one",
        description=(
            "Seals all connected accounts with a new master key and retires the old one: it opens nothing "
            "in this database any more. It may be interrupted at any time, and run again. Where the keys "
            "stand in OPENROUTER_TOOLKIT_MASTER_KEY, put the new one in front first, NEW,OLD, for all "
            "servers too, and start them again. A key in the keyring or in a file is found by those that "
            "run."
        ),
    ),
    Command(
        "serve",
        "run the web application: marketplace, API, MCP over HTTP",
        option("--host H", "the address to listen on (default: 127.0.0.1)", default="127.0.0.1"),
        _PORT,
        option("--url URL", "where it is opened, when a proxy stands before it"),
        option("--name N", "what it is called on its pages", default="OpenRouter Toolkit"),
        several("--manifest PATH", "a further toolkit's manifest", default=[]),
        _count("--calls-per-minute N", "how often a token may call", high=1_000_000, default=600),
        option(
            "--trusted-proxy CIDR",
            "an address or network of proxies whose X-Forwarded-For tells the client's address; may be given again",
            types.network,
            action="append",
            default=[],
        ),
        _count(
            "--worker-threads N",
            "how many calls may run at once; one token takes half of them at most",
            high=10_000,
            default=400,
        ),
        _count(
            "--streams N",
            "how many streams may be open at once without a thread of their own; further ones hold one",
            high=100_000,
            default=4000,
        ),
        _count(
            "--connections-per-address N", "how many connections one client may have open", high=100_000, default=256
        ),
        option(
            "--client-timeout S",
            "the seconds after which a client that neither sends nor reads what is due is disconnected (default: 30)",
            types.client_timeout,
            default=30.0,
        ),
        _count("--ledger-days N", "how many days the ledger keeps single calls", high=36_500, default=90),
        option(
            "--log-format FORMAT",
            "text, or json: an object a line, for programs (default: text)",
            choices=("text", "json"),
            default="text",
        ),
        option("--metrics-port P", "serve metrics for Prometheus on a port of their own", types.port),
        option("--metrics-host H", "the address of that port (default: 127.0.0.1)", default="127.0.0.1"),
        _PRIVATE,
        _count(
            "--failing-after N",
            "an action counts as failing when more than so many calls failed in a row",
            high=19,
            default=5,
        ),
        flag("--ledger-optional", "make calls that cost money even while the ledger can't be written"),
        several(
            "--return-address URL",
            "an address of a host's, to which people may be sent back after connecting; kept from then on",
            default=[],
        ),
        description=(
            "Runs the web application until Ctrl-C or SIGTERM. The first line on standard output is its "
            "URL; the link to log in is on standard error."
        ),
        whole_log=True,
    ),
    Command(
        "login-link",
        "print a new link to log in to the web application",
        _LINK_URL,
        option(
            "--as NAME", "who logs in by it (default: the only owner, or the first, who gives a name)", dest="as_name"
        ),
        run="serve:print_login_link",
        description="Prints a link with which somebody logs in, once and within ten minutes.",
    ),
    Command(
        "logout-all",
        "end all logins to the web application",
        run="serve:log_everybody_out",
        description=("Ends all logins to the web application, everywhere and at once, and links that were not used."),
    ),
    Command(
        "people",
        "list, invite and manage those who may log in",
        _JSON,
        run="people:list_people",
        description="Lists who may log in to the web application, with their roles, or does something with one.",
    ),
    Command("people list", "list them all", _JSON, run="people:list_people"),
    Command(
        "people invite",
        "add somebody, and print a link by which they log in",
        option("name NAME", "what they are called, in the audit log too"),
        _LINK_URL,
        option(
            "--role ROLE", "owner, administrator, auditor or member (the default)", choices=_ROLES, default="member"
        ),
        several("--user-id U", "the user_ids that they stand for"),
        option("--email ADDRESS", "their e-mail address"),
        option("--expires TIME", "how long the link works: 10m to 7d (default: 1d)", types.link_lifetime, default="1d"),
        _JSON,
        description="Adds somebody, and prints a link alone on standard output: whoever opens it first is logged in.",
        examples="""\
examples:
  openrouter-toolkit people invite "Ada Byron" https://tools.example.com --role administrator
  openrouter-toolkit people invite bob https://tools.example.com --user-id bob bob-at-work --expires 7d""",
    ),
    Command(
        "people role", "change what somebody may do", _PERSON, option("role ROLE", "the role", choices=_ROLES), _JSON
    ),
    Command(
        "people users",
        "change the user_ids that somebody stands for",
        _PERSON,
        one_of(
            option("--with U", "these users and no others", nargs="+", dest="users"),
            flag("--nobody", "none"),
            required=True,
        ),
        _JSON,
    ),
    Command("people rename", "change somebody's name", _PERSON, option("to NEW", "the new name"), _JSON),
    Command("people disable", "log somebody out, and keep them out", _PERSON, _JSON),
    Command("people enable", "let somebody in again", _PERSON, _JSON),
    Command("people remove", "remove somebody; the audit log keeps what they did", _PERSON, _JSON),
    Command("people logins", "list somebody's logins, or end them", _PERSON, flag("--end", "end them all"), _JSON),
    Command(
        "audit",
        "who changed what",
        option("--who WHO", "by this person, token or machine's user: the name or the id"),
        option("--action ACTION", "such as account.shared, or account for all of an account's changes"),
        option("--object WHAT", "of this account, action, token or person: the id or the name"),
        option("--user-id U", "of this user's accounts and links", complete=completers.users),
        option("--request-id ID", "made by one request"),
        option("--since TIME", "a date, a time in ISO 8601, or how long ago: 30m, 24h, 7d", types.moment),
        option("--until TIME", "the same; changes before it", types.moment),
        one_of(_count("--limit N", "how many", high=10_000, default=50), flag("--all", "all of them")),
        one_of(_JSON, flag("--csv", "for spreadsheets")),
        description="Lists changes, the newest first: who, from where, what, before and after.",
        examples="""\
examples:
  openrouter-toolkit audit --since 7d
  openrouter-toolkit audit --object OPENROUTER_GET_CREDITS
  openrouter-toolkit audit --who "Ada Byron" --all --csv > audit.csv""",
    ),
    Command(
        "return-addresses",
        "say where people may be sent back to after connecting",
        _JSON,
        run="return_addresses:list_addresses",
        description="Lists the addresses that people may be sent back to after connecting, or changes one.",
    ),
    Command(
        "return-addresses list",
        "list them all",
        _JSON,
        run="return_addresses:list_addresses",
        description="Lists all of them.",
    ),
    Command("return-addresses add", "allow one", _ADDRESS),
    Command("return-addresses remove", "allow one no longer", _ADDRESS),
    Command(
        "composio-check",
        "go a Composio host's own way through a server, and say what is wrong",
        option("url URL", "the server's origin, such as https://tools.example.com"),
        _WHOSE,
        description="Lists tools, makes a link, executes a free action, and uses a session and its MCP address, as a "
        "host that is built on Composio's clients does. COMPOSIO_API_KEY is an API token of the server.",
    ),
    Command(
        "listing",
        "print the toolkit's entry for a marketplace",
        option(
            "--format", "whose listing (default: composio)", choices=("composio", "mcp-registry"), default="composio"
        ),
        option(
            "--name NAMESPACE/SERVER",
            f"the server's name in the MCP Registry, in a namespace that you own (default: {_SERVER_NAME})",
            types.server_name,
            default=_SERVER_NAME,
        ),
        run="actions:print_listing",
        description=(
            "Prints the toolkit as a marketplace lists it, as JSON: Composio's toolkit metadata, or a "
            "server.json of the MCP Registry."
        ),
    ),
    Command(
        "new-toolkit",
        "write a small toolkit of your own that runs",
        option("name NAME", "what the API is called, such as Weather"),
        option("--directory D", "the folder to write to (default: the name, in lower case)"),
        description="Writes a manifest, a schema, a README and a test that passes. Nothing that exists is changed.",
    ),
    Command(
        "import-openapi",
        "write a toolkit from an API's OpenAPI document",
        option("file FILE", "an OpenAPI 3.0 or 3.1 document, JSON or YAML; - reads standard input"),
        flag("--list", "list the document's tags, and write nothing"),
        option("--tag TAG", "the operations with this tag; may be given again", action="append", default=[]),
        option(
            "--operation ID", "the operation with this operationId; may be given again", action="append", default=[]
        ),
        flag("--read-only", "of these only what reads: GET"),
        option("--name NAME", "what the API is called (default: by the document's title)"),
        option("--base-url URL", "the API's address, in place of the document's servers"),
        option("--directory D", "the folder to write to (default: the name, in lower case)"),
        description=(
            "Writes a manifest, and a schema for each operation that a request with JSON or a form can do, to be "
            "edited. Nothing that exists is changed, and nothing is fetched. Without --tag and --operation, it is all "
            "of them: a model chooses best among few."
        ),
    ),
    Command(
        "config",
        "show and change defaults: model, user, output",
        flag("--json", "for programs"),
        description="Shows the config file's place and its settings, or does something with one.",
    ),
    Command("config get", "print one setting", _SETTING),
    Command(
        "config set",
        "set one",
        _SETTING,
        option("value VALUE", "its value", complete=completers.setting_values),
        description="Sets a default in the config file. Keys are not kept there: see connect.",
    ),
    Command("config unset", "remove one", _SETTING),
    Command(
        "completion",
        "print the script by which a shell completes commands and names",
        option("shell SHELL", "bash, zsh or fish", choices=("bash", "zsh", "fish")),
        description="Prints a script for a shell. It completes commands, options, slugs, parameters, models and users.",
        examples="""\
examples:
  eval "$(openrouter-toolkit completion bash)"      in ~/.bashrc
  eval "$(openrouter-toolkit completion zsh)"       in ~/.zshrc, behind compinit
  openrouter-toolkit completion fish | source       in ~/.config/fish/config.fish""",
    ),
    Command(
        "sandbox",
        "run a stand-in OpenRouter on this machine",
        _PORT,
        option("--chunk-delay SECONDS", "between the chunks of a stream (default: 0)", types.delay, default=0.0),
        option(
            "--generation-delay SECONDS",
            "until GET /generation knows a generation that ended (default: 0.3)",
            types.delay,
            default=0.3,
        ),
        option(
            "--failure-rate R",
            "the share of completion calls that fail at random, from 0 to 1: half of them with 503, half by a closed "
            "connection (default: 0)",
            types.rate,
            default=0.0,
        ),
        option("--seed N", "makes the same calls fail in every run (default: others each time)", types.integer),
        description=(
            "Runs a stand-in OpenRouter, without network, account or cost, until Ctrl-C. The first line "
            "on standard output is its base URL."
        ),
    ),
    Command(
        "demo",
        "walk through the actions as an agent would",
        flag(
            "--live",
            "against the real API (or whatever OPENROUTER_BASE_URL names), with the account that is connected for the "
            "user `default`, or OPENROUTER_API_KEY; costs a small part of a cent",
        ),
        description=("Walks through the actions as an agent would: against the bundled sandbox, offline and free."),
    ),
)
