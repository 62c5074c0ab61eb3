"""Every conversation Puente can have, listed here by hand: what is not in this list does not exist."""

from collections.abc import Mapping

from flows.conversations import (
    courtesy,
    danger,
    fairs,
    menu,
    person,
    privacy,
    profile,
    scam,
    services,
    vacancies,
    welcome,
)
from flows.steps import Flow

MODULES = (welcome, menu, services, profile, vacancies, fairs, scam, person, privacy, danger, courtesy)

FLOWS: Mapping[str, Flow] = {flow.name: flow for module in MODULES for flow in module.FLOWS}
