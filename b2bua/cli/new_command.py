"""The command ``b2bua new`` and its options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="RECIPE", help="What is to happen to callers; none: the list.")]
File = Annotated[Path, typer.Argument(metavar="CONFIG", help="The file to write.")]
Number = Annotated[str, typer.Option(help="Number of the office, as +48221234567.")]
People = Annotated[
    list[str] | None,
    typer.Option(help='Who takes calls: "Anna Nowak, +48600100200, anna@office.example"; several times.'),
]
Backup = Annotated[str, typer.Option(help="Number to ring when nobody else can.")]
Email = Annotated[str, typer.Option(help="Who gets the messages.")]
Opening = Annotated[str, typer.Option("--open", help='Monday to Friday; else "09:00-18:00".')]
Provider = Annotated[str, typer.Option(help="Server of the provider.")]
User = Annotated[str, typer.Option(help="User name there; none: it knows our address.")]
Password = Annotated[str, typer.Option(help='Password there, or "env:NAME".')]
Channels = Annotated[int, typer.Option(min=1, help="Simultaneous calls that it sells.")]
Address = Annotated[str, typer.Option(help="This machine's address in your network.")]
Language = Annotated[str, typer.Option(help="Of the prompts: en, uk, ru or pl; else by the country.")]
Data = Annotated[str, typer.Option(help="Folder of journal and messages.")]
Url = Annotated[str, typer.Option(help="Of recipes webhook and crm: the server to ask.")]
Token = Annotated[str, typer.Option(help='Of recipe crm: the API token, or "env:NAME".')]
Pbx = Annotated[str, typer.Option(help="Of recipe other-pbx: its server.")]
PbxUser = Annotated[str, typer.Option(help="Account there.")]
PbxPassword = Annotated[str, typer.Option(help='Password of that account, or "env:NAME".')]
PbxNumber = Annotated[str, typer.Option(help="What to dial there.")]
Confirmed = Annotated[
    str,
    typer.Option(
        "--confirm", help='How who answers a mobile takes the call: "key" (press 1; else) or "voice" (hello).'
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def new(
    recipe: Name = "",
    path: File = Path("office.toml"),
    number: Number = "",
    person: People = None,
    backup: Backup = "",
    email: Email = "",
    opening: Opening = "",
    provider: Provider = "",
    user: User = "",
    password: Password = "",
    channels: Channels = 10,
    address: Address = "",
    language: Language = "",
    data: Data = "data",
    url: Url = "",
    token: Token = "",
    pbx: Pbx = "",
    pbx_user: PbxUser = "",
    pbx_password: PbxPassword = "",
    pbx_number: PbxNumber = "",
    confirm: Confirmed = "",
    force: Force = False,
) -> None:
    """Write the configuration of a new office out of a recipe; what is not given is asked for."""
    from b2bua.cli.new import Given, list_recipes, named_recipe, write_office

    if not recipe:
        list_recipes()
        return
    office = Given(
        number,
        person or (),
        backup,
        email,
        opening,
        provider,
        user,
        password,
        channels,
        address,
        language,
        data,
        confirm,
    )
    account = {"pbx": pbx, "pbx-user": pbx_user, "pbx-password": pbx_password, "pbx-number": pbx_number}
    blanks = {"url": url, "token": token, **account}
    write_office(named_recipe(recipe), path, office, blanks, can_ask=has_terminal(), replace=force)


def has_terminal() -> bool:
    """Return whether somebody can be asked."""
    return sys.stdin.isatty()
