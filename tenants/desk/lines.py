"""A tenant's newest agents, numbers and calls, as statements that can be read together with others."""

from agents.effective import resolve
from agents.models import Agent
from telephony.models import CallLog, PhoneNumber
from tenants.health.read import loaded

# The settings that the list of agents shows.
AGENT_SETTINGS = ("llm_model", "voice_provider")
AGENTS = """
select id, organization_id, name, is_published, version, created_at, llm_model, voice_provider, config
from agents where organization_id = %(id)s order by coalesce(created_at, '-infinity') desc, id desc limit %(limit)s
"""
NUMBERS = """
select n.id, n.phone_number, n.status, n.provider, n.organization_id, n.created_at, a.id, a.name, a.organization_id
from phone_numbers n left join agents a on a.id = n.agent_id
where n.organization_id = %(id)s order by coalesce(n.created_at, '-infinity') desc, n.id desc limit %(limit)s
"""
CALLS = """
select c.id, c.created_at, c.caller_number, c.direction, c.status, c.duration_seconds, c.cost, p.id, p.phone_number
from call_logs c left join phone_numbers p on p.id = c.phone_number_id
where c.organization_id = %(id)s order by coalesce(c.created_at, '-infinity') desc, c.id desc limit %(limit)s
"""


def agents_read(organization, limit):
    return AGENTS, {"id": organization.pk, "limit": limit}


def agents_from(rows):
    """Agents, each with what is in effect of AGENT_SETTINGS as `settings`."""
    names = ("id", "organization_id", "name", "is_published", "version", "created_at")
    found = []
    for *values, model, voice, config in rows:
        agent = Agent.with_columns(**dict(zip(names, values, strict=True)))
        columns = dict(zip(AGENT_SETTINGS, (model, voice), strict=True))
        agent.settings = resolve(loaded(config), columns, AGENT_SETTINGS)
        found.append(agent)
    return found


def numbers_read(organization, limit):
    return NUMBERS, {"id": organization.pk, "limit": limit}


def numbers_from(rows):
    """PhoneNumbers with their agents."""
    names = ("id", "e164", "status", "provider", "organization_id", "created_at")
    found = []
    for *values, agent_id, agent_name, agent_organization in rows:
        number = PhoneNumber.with_columns(agent_id=agent_id, **dict(zip(names, values, strict=True)))
        if agent_id:
            number.agent = Agent.with_columns(
                id=agent_id, name=agent_name, organization_id=agent_organization
            )
        found.append(number)
    return found


def calls_read(organization, limit):
    return CALLS, {"id": organization.pk, "limit": limit}


def calls_from(rows):
    """CallLogs with their numbers, without agents."""
    names = ("id", "created_at", "caller_number", "direction", "status", "duration_seconds", "cost")
    found = []
    for *values, number_id, number in rows:
        call = CallLog.with_columns(phone_number_id=number_id, **dict(zip(names, values, strict=True)))
        if number_id:
            call.phone_number = PhoneNumber.with_columns(id=number_id, e164=number)
        found.append(call)
    return found
