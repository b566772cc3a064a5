"""The CRM in force: made once for its settings, and again when they change."""

from __future__ import annotations

from dataclasses import dataclass, field

from b2bua.config.models import Config
from b2bua.config.tables import Crm as Settings
from b2bua.crm.adapter import Crm
from b2bua.crm.http_json import HttpJsonCrm
from b2bua.crm.pipedrive import PipedriveCrm
from b2bua.http.client import HttpClient


@dataclass(slots=True)
class CrmDesk:
    """Knows the way to the CRM of a configuration."""

    http: HttpClient
    """Asks."""
    _made: tuple[Settings, Crm] | None = field(default=None)

    def of(self, config: Config) -> Crm | None:
        """Return the adapter for a configuration; None: it names no CRM."""
        settings = config.crm
        if settings is None:
            return None
        if self._made is None or self._made[0] != settings:
            self._made = settings, self._make(settings, config)
        return self._made[1]

    def _make(self, settings: Settings, config: Config) -> Crm:
        match settings.kind:
            case "pipedrive":
                return PipedriveCrm(settings, self.http, country=config.office.country)
            case "http":
                return HttpJsonCrm(settings, self.http)
