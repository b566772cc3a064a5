"""Schemes and queues over HTTP: read, put, changed, renamed and removed, each in the configuration file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from b2bua.api.bodies import read_object, text
from b2bua.api.errors import Refusal
from b2bua.api.office import Edited, Office
from b2bua.config.editing import AlreadyBroken, CannotEdit, Edit, NameTaken, StillUsed
from b2bua.config.models import Config
from b2bua.config.readback import STEPS, from_program
from b2bua.config.replacing import ChangedMeanwhile, NotWritten
from b2bua.config.rewriting import STEP, Content
from b2bua.errors import ConfigError, Problem, Unavailable

NAME = re.compile(r"[\w-]{1,60}")
VALUES = "expected a text, a number, true or false, or a list of these"
EDITORS_ONLY = "this token may not change the configuration: that is for edit-tokens of [api]"
Shown = Callable[[Config, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tables:
    """What can be done with the tables of one section."""

    office: Office
    section: str
    """``scheme`` or ``queue``."""
    plural: str
    """What the list of them is called."""
    shown: Shown
    """Returns what is told of one."""

    async def all(self, _request: Request) -> Response:
        """Return all of them."""
        config = self.office.config()
        names = config.as_written.get(self.section, {})
        return JSONResponse({self.plural: [self.shown(config, name) for name in names]})

    async def one(self, request: Request) -> Response:
        """Return one, with the tag that an edit may name."""
        config, name = self.office.config(), self._name(request)
        content = self._must_exist(config.as_written.get(self.section, {}).get(name), name)
        return JSONResponse(self.shown(config, name), headers={"ETag": tag(content)})

    async def put(self, request: Request) -> Response:
        """Let one say what the request says, whether it was there or not."""
        must_edit(request)
        content, made = await self._content(request), []

        def revise(now: Content | None) -> Content:
            made.append(now is None)
            return content

        return await self._carry_out(request, self._name(request), revise, made=made)

    async def add(self, request: Request) -> Response:
        """Make one that is not there yet; its name stands beside what it says."""
        must_edit(request)
        content = await self._content(request)
        name = _new_name(content)
        content.pop("name")

        def revise(now: Content | None) -> Content:
            if now is not None:
                raise Refusal(409, f"there is a {self.section} {name} already", field="name")
            return content

        return await self._carry_out(request, name, revise, made=[True])

    async def change(self, request: Request) -> Response:
        """Let one say what it says but for some keys, which are given; null takes one away (RFC 7396)."""
        must_edit(request)
        some = from_program(await read_object(request))
        name = self._name(request)

        def revise(now: Content | None) -> Content:
            merged = {**self._must_exist(now, name), **some}
            return _checked({key: value for key, value in merged.items() if value is not None})

        return await self._carry_out(request, name, revise)

    async def rename(self, request: Request) -> Response:
        """Call one differently, wherever it is named."""
        must_edit(request)
        name, new = self._name(request), _new_name(await read_object(request, ("name",)))
        return await self._carry_out(
            request, name, lambda now: self._must_exist(now, name), new_name="" if new == name else new
        )

    async def remove(self, request: Request) -> Response:
        """Take one away that nothing names."""
        must_edit(request)
        name = self._name(request)

        def revise(now: Content | None) -> None:
            self._must_exist(now, name)

        return await self._carry_out(request, name, revise)

    async def revised(self, request: Request, revise: Callable[[Content], Content]) -> Response:
        """Let one say what ``revise`` makes of what it says."""
        name = self._name(request)
        return await self._carry_out(request, name, lambda now: revise(self._must_exist(now, name)))

    async def _carry_out(
        self,
        request: Request,
        name: str,
        revise: Callable[[Content | None], Content | None],
        *,
        new_name: str = "",
        made: list[bool] | None = None,
    ) -> Response:
        def guarded(now: Content | None) -> Content | None:
            _hold_against_tags(request, now)
            return revise(now)

        edit = Edit(self.section, name, guarded, new_name)
        edited = await _edited(self.office, edit, who=client(request))
        now = edited.config.as_written.get(self.section, {}).get(new_name or name)
        more = {"in_force": edited.is_in_force, "warnings": [told(each) for each in edited.warnings]}
        if now is None:
            return JSONResponse({"name": name, "removed": True, **more})
        status = 201 if made and made[-1] else 200
        headers = {"ETag": tag(now)}
        return JSONResponse({**self.shown(edited.config, new_name or name), **more}, status, headers)

    async def _content(self, request: Request) -> dict[str, Any]:
        return _checked(from_program(await read_object(request)))

    def _name(self, request: Request) -> str:
        name: str = request.path_params["name"]
        is_known = name in self.office.config().as_written.get(self.section, {})
        return name if is_known or request.method == "GET" else _new_name({"name": name})

    def _must_exist(self, content: Content | None, name: str) -> Content:
        if content is None:
            raise Refusal(404, f"there is no {self.section} {name[:60]}")
        return content


# --- what a request says -----------------------------------------------------------------------------------


def must_edit(request: Request) -> None:
    """Let nobody go on whose token is not for editing.

    Raises:
        Refusal: it is not.
    """
    if not request.state.may_edit:
        raise Refusal(403, EDITORS_ONLY)


def client(request: Request) -> str:
    """Return who asks, for the log."""
    return request.client.host if request.client else "?"


def _new_name(content: Mapping[str, Any]) -> str:
    name = text(dict(content), "name")
    if not NAME.fullmatch(name):
        raise Refusal(400, "expected a name of up to 60 letters, digits, - and _", field="name")
    return name


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """Return what can be written as TOML; what it means is the checker's to say.

    Raises:
        Refusal: something in it cannot.
    """
    for key, value in content.items():
        if key == STEP:
            _check_steps(value)
        elif not _is_key(key) or not _is_value(value):
            raise Refusal(400, VALUES, field=key[:60])
    return content


def _check_steps(steps: Any) -> None:
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise Refusal(
            400, 'expected a list of steps, for example [{"ring": ["101"], "for": "20s"}]', field=STEPS
        )
    if not all(_is_key(key) and _is_value(value) for step in steps for key, value in step.items()):
        raise Refusal(400, f"in each step {VALUES}", field=STEPS)


def _is_key(key: str) -> bool:
    return key.isprintable() and len(key) <= 60


def _is_value(value: Any) -> bool:
    match value:
        case bool():
            return True
        case str():
            return "\0" not in value
        case int():
            return -(2**63) <= value < 2**63
        case float():
            return math.isfinite(value)
        case list():
            return all(not isinstance(each, list) and _is_value(each) for each in value)
    return False


# --- tags --------------------------------------------------------------------------------------------------


def tag(content: Content) -> str:
    """Return what changes with the content (RFC 9110 §8.8.3)."""
    canonical = json.dumps(content, sort_keys=True, default=str)
    return f'"{sha256(canonical.encode()).hexdigest()[:32]}"'


def _hold_against_tags(request: Request, now: Content | None) -> None:
    """See that the table is what whoever asks believes it to be (RFC 9110 §13.1).

    Raises:
        Refusal: somebody else has changed it since.
    """
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    current = None if now is None else tag(now)
    if wanted is not None and not _names(wanted, current):
        raise Refusal(412, "somebody has changed it since you read it: read it again")
    if unwanted is not None and _names(unwanted, current):
        raise Refusal(412, "it is there already")


def _names(header: str, current: str | None) -> bool:
    tags = [each.strip().removeprefix("W/") for each in header.split(",")]
    return current is not None and (current in tags or "*" in tags)


# --- the edit ----------------------------------------------------------------------------------------------


async def _edited(office: Office, edit: Edit, *, who: str) -> Edited:
    try:
        return await office.edit(edit, who)
    except AlreadyBroken as error:
        words = "the configuration file has a mistake already, which has to be mended by hand first"
        _refuse(409, words, error.problems)
    except ConfigError as error:
        _refuse(422, str(error.problems[0]), error.problems)
    except StillUsed as error:
        raise Refusal(409, str(error), more={"used_by": list(error.used_by)}) from None
    except (CannotEdit, NameTaken, ChangedMeanwhile) as error:
        raise Refusal(409, str(error)) from None
    except (NotWritten, Unavailable) as error:
        raise Refusal(503, str(error)) from None


def _refuse(status: int, words: str, problems: tuple[Problem, ...]) -> NoReturn:
    raise Refusal(status, words, more={"problems": [told(each) for each in problems]}) from None


def told(problem: Problem) -> dict[str, Any]:
    """Return a problem as programs read it."""
    return {
        "file": str(problem.file),
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
    }
