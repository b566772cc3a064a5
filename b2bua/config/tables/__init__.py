"""The tables of the configuration, one frozen model each: kebab-case keys in TOML, snake_case fields here."""

from __future__ import annotations

from b2bua.config.tables.api import Api
from b2bua.config.tables.base import Named, Table
from b2bua.config.tables.calendars import Calendar
from b2bua.config.tables.callback import Callback
from b2bua.config.tables.crm import Crm, CrmCreate, CrmFind
from b2bua.config.tables.hours import Hours
from b2bua.config.tables.office import Media, Office, Recording, Rtp, Sip, Smtp, Srtp
from b2bua.config.tables.outside import BackupAlert, MissedAlert, Webhook, WeeklyReport
from b2bua.config.tables.parties import Device, Group, Person, Trunk
from b2bua.config.tables.rates import Rate, Rates
from b2bua.config.tables.returns import ReturnCall
from b2bua.config.tables.rotas import Rota
from b2bua.config.tables.schemes import (
    ACTIONS,
    CONFIRM_SECONDS,
    RESPONSIBLE_SECONDS,
    RING_SECONDS,
    STAGGER_SECONDS,
    Destination,
    Extension,
    Mailbox,
    Menu,
    MenuOption,
    Number,
    NumberGroup,
    Queue,
    Scheme,
    Step,
)

__all__ = [
    "ACTIONS",
    "CONFIRM_SECONDS",
    "RESPONSIBLE_SECONDS",
    "RING_SECONDS",
    "STAGGER_SECONDS",
    "Api",
    "BackupAlert",
    "Calendar",
    "Callback",
    "Crm",
    "CrmCreate",
    "CrmFind",
    "Destination",
    "Device",
    "Extension",
    "Group",
    "Hours",
    "Mailbox",
    "Media",
    "Menu",
    "MenuOption",
    "MissedAlert",
    "Named",
    "Number",
    "NumberGroup",
    "Office",
    "Person",
    "Queue",
    "Rate",
    "Rates",
    "Recording",
    "ReturnCall",
    "Rota",
    "Rtp",
    "Scheme",
    "Sip",
    "Smtp",
    "Srtp",
    "Step",
    "Table",
    "Trunk",
    "Webhook",
    "WeeklyReport",
]
