"""The commands of ``b2bua``. Whatever takes long to import is imported by the command that needs it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from b2bua import __version__
from b2bua.cli.loading import ConfigPath, journal_of, office_of, running_office_of
from b2bua.cli.new_command import new
from b2bua.cli.reports import call_backs, links, menus, missed, staff, weekly
from b2bua.cli.runner import run_to_end as _run
from b2bua.cli.what_if import named_keys, named_people, named_queues, named_trunks
from b2bua.config.files import demo_config
from b2bua.errors import ConfigError, Problem

if TYPE_CHECKING:
    from b2bua.config.models import Config
    from b2bua.routing.plan import Plan

app = typer.Typer(
    help="A SIP B2BUA for small offices that never loses a call.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; a mistake of the user's is told in one line, without a traceback."""
    app()


@app.callback()
def every_command(context: typer.Context) -> None:
    """A SIP B2BUA for small offices that never loses a call."""
    if context.invoked_subcommand == "check":  # is asked often, and all it says are its results
        return
    from b2bua import log

    log.set_up(level="WARNING")  # to stderr: what a command prints may be read by a program


@app.command()
def run(
    config: ConfigPath = None,
    json_log: Annotated[bool, typer.Option("--json", help="Log as JSON lines.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run an office until Ctrl-C: it takes calls, and prints what happens."""
    from b2bua import log
    from b2bua.cli.run import run_office
    from b2bua.heap import share_one_heap
    from b2bua.logbook import Logbook

    share_one_heap()  # before the first thread starts
    is_demo = config is None or config.resolve() == demo_config().resolve()
    book = Logbook(sys.stderr)
    level = "DEBUG" if verbose else "INFO"
    log.set_up(level=level, as_json=json_log, is_live=verbose or is_demo, stream=book)
    office = running_office_of(config)
    for problem in _missing_prompts(office):  # the scheme goes on without them, so no call is lost
        book.write(f"{problem}\n")
    try:
        _run(lambda: run_office(office, is_demo=is_demo))
    finally:
        book.finish()


@app.command()
def check(
    config: Annotated[Path, typer.Argument(help="Configuration file (TOML).", metavar="CONFIG")],
) -> None:
    """Look a configuration over for mistakes and for ways to lose a call.

    The exit code is 0 when it can be used (warnings may be printed), else 1 or 2.
    """
    from b2bua.cli.check import check_office, tell_rest
    from b2bua.config.load import load_config

    try:
        office = load_config(config)
    except ConfigError as error:
        tell_rest(config, error.problems)
        raise typer.Exit(2) from None
    if not check_office(config, office):
        raise typer.Exit(1)


app.command()(new)


@app.command()
def explain(
    to: Annotated[str, typer.Option(help="Number that is dialled.")],
    config: ConfigPath = None,
    from_: Annotated[str, typer.Option("--from", help="Number of the caller.")] = "",
    at: Annotated[str, typer.Option(help='When: "now", "sat 21:00", "21:00" or "2026-12-24 12:00".')] = "now",
    offline: Annotated[str, typer.Option(help="People whose phones are off, comma-separated.")] = "",
    busy: Annotated[str, typer.Option(help="People who talk, comma-separated.")] = "",
    waiting: Annotated[
        str, typer.Option(help='Callers who wait in queues, such as "sales=4", comma-separated.')
    ] = "",
    trunk_down: Annotated[
        str, typer.Option("--trunk-down", help='Trunks that are down, comma-separated, or "all".')
    ] = "",
    press: Annotated[
        str, typer.Option(help='What the caller presses in menus, such as "2", or "3,205" one after another.')
    ] = "",
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask the servers of webhooks indeed; else as if they were down.")
    ] = False,
) -> None:
    """Tell step by step where a call from outside would go, and why. Nothing is dialled."""
    from b2bua.cli.said import suppose, with_what_was_said
    from b2bua.routing.explain import explain as tell
    from b2bua.routing.facts import Facts

    office = office_of(config, needs_secrets=ask)
    moment = _moment(at, office, option="--at")
    facts = Facts(
        moment,
        offline=named_people(office, offline, "--offline"),
        busy=named_people(office, busy, "--busy"),
        waiting=named_queues(office, waiting),
        down=named_trunks(office, trunk_down),
    )
    facts = _run(lambda: with_what_was_said(office, facts))
    keys = named_keys(press)
    assumed = _run(lambda: suppose(office, dialled=to, caller=from_, at=moment, keys=keys, asks=ask))
    for line in tell(_plan_at(office, moment), facts, to, from_, assumed=assumed):
        typer.echo(line)


@app.command()
def timeline(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days, today included.")] = 14,
    to: Annotated[str, typer.Option(help="Only this number.")] = "",
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="WHEN", help='When it begins: "now", "sat 21:00", "2026-12-24 12:00".'
        ),
    ] = "now",
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Tell for each number who would take a call at any time of the next days; gaps are marked."""
    from b2bua.cli.timeline import show_timeline

    office = office_of(config, needs_secrets=False)
    first = _moment(start, office, option="--from").replace(second=0, microsecond=0)
    plan = _plan_at(office, first, days_ahead=days)
    _run(lambda: show_timeline(office, plan, first, days=days, number=to, for_programs=as_json))


@app.command()
def schemes(
    config: ConfigPath = None,
    scheme: Annotated[str, typer.Argument(help="Only this one.", metavar="SCHEME")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Tell what is done with callers, scheme by scheme in the order of the steps, and which is the backup."""
    from b2bua.cli.schemes import show_schemes
    from b2bua.routing.facts import Facts

    office = office_of(config, needs_secrets=False)
    now = _moment("now", office, option="")
    show_schemes(office, _plan_at(office, now), Facts(now), only=scheme, for_programs=as_json)


def _moment(text: str, office: Config, *, option: str) -> datetime:
    from b2bua.cli.moment import parse_moment

    try:
        return parse_moment(text, now=datetime.now(ZoneInfo(office.office.timezone)))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _plan_at(office: Config, moment: datetime, *, days_ahead: int = 1) -> Plan:
    """Return the office as routing sees it, with what is known of its calendars from that moment on."""
    if not office.calendars:
        return office.plan()
    from b2bua.cli.calendars import kept_calendars

    kept = kept_calendars(office, moment, days_ahead=days_ahead)
    for name in kept.unknown:
        typer.echo(f"calendar {name} was never read: it is as if it had no events", err=True)
    return office.plan().with_calendars(kept.calendars)


@app.command()
def calls(
    config: ConfigPath = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the latest first.")] = 20,
    promises: Annotated[
        bool, typer.Option("--promises", help="Only callers who are owed a call back.")
    ] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Put the id of each call first, for --show.")] = False,
    called_back: Annotated[
        str,
        typer.Option(
            "--called-back", metavar="ID", help="Somebody has called them back: take it off the list."
        ),
    ] = "",
    needs_no_call: Annotated[
        str, typer.Option("--needs-no-call", metavar="ID", help="Nobody has to call them back: take it off.")
    ] = "",
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="With either of these: a remark.")] = "",
    show: Annotated[
        str, typer.Option("--show", metavar="ID", help='One call: its id, the beginning of it, or "last".')
    ] = "",
    sip: Annotated[bool, typer.Option("--sip", help="With --show: its SIP as a ladder.")] = False,
    full: Annotated[bool, typer.Option("--full", help="With --show: the whole SIP messages too.")] = False,
    pcap: Annotated[
        Path | None, typer.Option("--pcap", help="With --show: write its SIP for Wireshark.", metavar="FILE")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="With --show: write how loud its recording is (.svg, .png).", metavar="FILE"
        ),
    ] = None,
) -> None:
    """List the latest calls in plain words, or show one with its sound or SIP; also while the office runs."""
    from b2bua.cli.calls import list_calls
    from b2bua.cli.promises import close_promise
    from b2bua.cli.trace import show_call

    office = journal_of(config)
    if closed := called_back or needs_no_call:
        _run(lambda: close_promise(office, closed, is_kept=bool(called_back), why=why))
    elif show:
        _run(lambda: show_call(office, show, ladder=sip or full, full=full, capture=pcap, picture=plot))
    elif sip or full or pcap or plot:
        raise typer.BadParameter("which call? Its id is in `b2bua calls --ids`", param_hint="--show")
    else:
        _run(lambda: list_calls(office, limit=limit, only_promises=promises, with_ids=ids))


@app.command()
def messages(
    config: ConfigPath = None,
    box: Annotated[str, typer.Option("--mailbox", help="Only of this mailbox.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the latest first.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Those too that were deleted by phone.")] = False,
    heard: Annotated[
        str,
        typer.Option("--heard", metavar="ID", help="Mark one as heard: its id, or the beginning of it."),
    ] = "",
    show: Annotated[
        str,
        typer.Option("--show", metavar="ID", help="One, and how loud it is: its id, or the beginning of it."),
    ] = "",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="With --show: write how loud it is (.svg, .png).", metavar="FILE"),
    ] = None,
) -> None:
    """List the messages in the mailboxes, with their recordings; also while the office runs."""
    from b2bua.cli.messages import list_messages, mark_heard, show_message

    office = journal_of(config)
    if heard:
        _run(lambda: mark_heard(office, heard))
    elif show:
        _run(lambda: show_message(office, show, picture=plot))
    elif plot:
        raise typer.BadParameter("which message? Its id is in `b2bua messages`", param_hint="--show")
    else:
        _run(lambda: list_messages(office, box=box, limit=limit, with_deleted=everything))


@app.command()
def crm(
    config: ConfigPath = None,
    again: Annotated[bool, typer.Option("--again", help="Send all of it again, now.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the latest first.")] = 20,
) -> None:
    """List the calls that the CRM does not have yet, and why; also while the office runs."""
    from b2bua.cli.crm import list_untold, tell_again

    office = journal_of(config)
    _run(lambda: tell_again(office) if again else list_untold(office, limit=limit))


@app.command()
def costs(
    config: ConfigPath = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How many, today included.")] = 14,
) -> None:
    """Tell what calls to the outside cost, day by day and trunk by trunk; also while the office runs."""
    from b2bua.cli.costs import list_costs

    office = journal_of(config)
    _run(lambda: list_costs(office, days=days))


app.command()(missed)
app.command("call-backs")(call_backs)
app.command()(staff)
app.command()(menus)
app.command()(links)
app.command()(weekly)


@app.command()
def status(
    config: ConfigPath = None,
    person: Annotated[str, typer.Argument(help="Whose: key or extension.", metavar="PERSON")] = "",
    state: Annotated[
        str,
        typer.Argument(help="available, away, do-not-disturb, meeting or off-duty.", metavar="STATUS"),
    ] = "",
    for_: Annotated[str, typer.Option("--for", help='How long: "30m", "1h30m".')] = "",
    until: Annotated[str, typer.Option(help='Until when: "15:00", "mon 09:00", "2026-12-24 12:00".')] = "",
    reason: Annotated[str, typer.Option(help="Why; colleagues and the journal read it.")] = "",
) -> None:
    """List who takes calls, or say that somebody does or does not from now on; also while the office runs."""
    from b2bua.cli.status import Wish, list_people, say

    office = journal_of(config)
    if state:
        wish = Wish(person, state, for_, until, reason)
        _run(lambda: say(office, wish))
    elif for_ or until or reason:
        raise typer.BadParameter("what are they? away, meeting…", param_hint="STATUS")
    else:
        _run(lambda: list_people(office, person))


@app.command()
def override(
    config: ConfigPath = None,
    decision: Annotated[str, typer.Argument(help="closed, backup or normal.", metavar="DECISION")] = "",
    for_: Annotated[str, typer.Option("--for", help='How long: "30m", "1h30m".')] = "",
    until: Annotated[str, typer.Option(help="Until when; else until the next day on which it opens.")] = "",
) -> None:
    """Close the office, send all calls to the backup, or let hours rule again; also while the office runs."""
    from b2bua.cli.override import Wish, decide, tell

    office = office_of(config, needs_secrets=False) if decision else journal_of(config)
    if decision:
        wish = Wish(decision, for_, until)
        _run(lambda: decide(office, wish))
    elif for_ or until:
        raise typer.BadParameter("what shall hold? closed, backup or normal", param_hint="DECISION")
    else:
        _run(lambda: tell(office))


@app.command()
def trunks(config: ConfigPath = None) -> None:
    """Tell how things stand with each trunk: registered or not, since when, and what is wrong."""
    from b2bua.cli.trunks import list_trunks

    office = journal_of(config)
    _run(lambda: list_trunks(office))


@app.command()
def demo() -> None:
    """Play a whole call over loopback without any phone, and tell its story live."""
    from b2bua.demo.story import play

    _run(play)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"b2bua {__version__}")


def _missing_prompts(office: Config) -> tuple[Problem, ...]:
    from b2bua.config.prompts import missing_prompts
    from b2bua.phrases import Phrasebook

    book = Phrasebook(Phrasebook.found(), office.office.language, office.office.prompts)
    return missing_prompts(office, book)
