"""Who is who: the people of the office by every name they go by."""

from __future__ import annotations

from collections.abc import Iterable

from b2bua.config.models import Config, Person
from b2bua.errors import WrongState


class Directory:
    """Finds people by name, extension or SIP user name."""

    def __init__(self, config: Config) -> None:
        self._people = dict(config.people)
        self._by_extension = {
            person.extension: person for person in self._people.values() if person.extension is not None
        }
        self._by_login = {login: person for person in self._people.values() for login in person.logins}

    def everybody(self) -> Iterable[Person]:
        """Return all people in the order of the configuration."""
        return self._people.values()

    def person(self, name: str) -> Person:
        """Return whom the configuration calls ``name``.

        Raises:
            WrongState: nobody; the configuration checker knows every name that is referred to.
        """
        try:
            return self._people[name]
        except KeyError:
            raise WrongState(f"nobody is called {name}") from None

    def by_extension(self, extension: str) -> Person | None:
        """Return whom colleagues reach by ``extension``."""
        return self._by_extension.get(extension)

    def by_username(self, username: str) -> Person | None:
        """Return whose phones register as ``username``: the extension of somebody who has a SIP password.

        Or the login of a single device.
        """
        if username in self._by_login:
            return self._by_login[username]
        person = self._by_extension.get(username)
        return person if person is not None and person.sip_password is not None else None

    @property
    def usernames(self) -> tuple[str, ...]:
        """Return the user names with which phones can register."""
        own = (username for username in self._by_extension if self.by_username(username))
        return (*own, *self._by_login)

    def has(self, name: str) -> bool:
        """Whether somebody is called ``name``."""
        return name in self._people

    def heir(self, name: str, login: str, later: Directory) -> str | None:
        """Return who has the user name and password of that phone in ``later``, in which ``name`` is nobody.

        Whoever takes over a colleague's desk, or is only called differently now, has the phone at once.
        """
        if later.has(name) or not self.has(name):
            return None
        before = self._people[name]
        now = later.by_username(login or before.extension or "")
        has_password = now is not None and now.password_of(login) == before.password_of(login)
        return now.name if now is not None and has_password else None

    def has_phones(self, name: str) -> bool:
        """Whether phones can register as the person called ``name``."""
        person = self._people.get(name)
        return person is not None and person.sip_password is not None

    def may_register(self, name: str, login: str) -> bool:
        """Whether phones can register as the person called ``name``, or as the device of that login."""
        if login:
            person = self._by_login.get(login)
            return person is not None and person.name == name
        return self.has_phones(name)
