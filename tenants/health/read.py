"""The signs of one tenant for its page, and of all tenants for the queue."""

import datetime
import json

from django.conf import settings
from django.db import connection

from agents.effective import JSON_SETTINGS, SETTINGS, resolve, telling
from agents.known import OPENAI_VOICES, VOICE_MODEL_PREFIXES
from agents.models import Agent
from backoffice.figures import tenant as figures
from tenants.health import credit, sql
from tenants.health.kinds import ORDER
from tenants.health.words import agent_signs, credit_sign, found_sign

COLUMNS = list(SETTINGS)
AGENTS = f"""
select id, organization_id, name, is_published, version, created_at,
  {", ".join(SETTINGS[name].column for name in COLUMNS)}, config
from agents where {{of_agents}}
"""
ROWS_AT_ONCE = 2000
NEWEST = "order by coalesce(created_at, '-infinity') desc, id desc limit %s"
# Those that can show a sign: with a configuration that can differ, or columns that do not work by themselves (the
# rules are agents.effective.unserved's).
CANDIDATES = f"""jsonb_typeof(config) = 'object' or voice_provider not in ('elevenlabs', 'openai', '')
  or stt_provider not in ('whisper', 'deepgram', '') or llm_model !~ '^(gpt|claude|gemini|$)'
  or voice_provider = 'openai' and lower(voice_id) not in ('', {
    ", ".join(f"'{voice}'" for voice in OPENAI_VOICES)
})
  or {
    " or ".join(
        f"voice_provider = '{provider}' and voice_model !~ '^({'|'.join(prefixes)}|$)'"
        for provider, prefixes in VOICE_MODEL_PREFIXES.items()
    )
}"""


def parameters(**more):
    return {
        "silent": settings.HEALTH_SILENT_DAYS,
        "forgotten": settings.HEALTH_FORGOTTEN_DAYS,
        "daily": settings.HEALTH_DAILY_USE_DAYS,
        "call_days": settings.HEALTH_CALL_DAYS,
        "call_failures": settings.HEALTH_CALL_FAILURES,
        "call_factor": settings.HEALTH_CALL_FACTOR,
        **more,
    }


def of_agent_row(row):
    """The signs of one row of AGENTS."""
    agent_id, organization_id, name, _, _, _, *values, config = row
    columns = dict(zip(COLUMNS, values, strict=True))
    config = loaded(config)
    names = telling(config)
    columns.update({column: loaded(columns[column]) for column in JSON_SETTINGS & names})
    return agent_signs(organization_id, agent_id, name, resolve(config, columns, names))


def loaded(text):
    """The value of a jsonb column, which arrives as its text; None for one nested too deeply to read."""
    try:
        return None if text is None else json.loads(text)
    except RecursionError:
        return None


def signs_of(organization):
    """[Sign] of one tenant, grave ones first, in a few queries."""
    kept = figures.kept()
    with connection.cursor() as cursor:
        cursor.execute(*found_read(organization, kept))
        found = cursor.fetchall()
        cursor.execute(AGENTS.format(of_agents=f"organization_id = %s and ({CANDIDATES})"), [organization.pk])
        return signs_from(credit.credit_of(organization, kept), found, cursor.fetchall())


def found_read(organization, kept):
    """The statement that finds the signs which SQL can find, and its parameters; `kept` is figures.tenant.kept()."""
    recently = kept.now - datetime.timedelta(days=settings.HEALTH_CALL_DAYS)
    windows = {
        **kept.window(recently - datetime.timedelta(days=28), recently, "before_"),
        **kept.window(recently, kept.now + datetime.timedelta(days=1), "recent_"),
    }
    return sql.OF_ONE, parameters(id=organization.pk, **windows)


def agents_read(organization, limit):
    """The statement that reads the newest agents with their settings, and its parameters. For agent_of too."""
    return AGENTS.format(of_agents="organization_id = %s " + NEWEST), [organization.pk, limit]


def signs_from(known_credit, found, agents):
    """[Sign] of one tenant out of its Credit and the rows of found_read() and AGENTS."""
    signs = [credit_sign(known_credit)]
    signs += [found_sign(of, kind, cause, loaded(numbers)) for of, kind, cause, numbers in found]
    for row in agents:
        signs += of_agent_row(row)
    return sorted(filter(None, signs), key=lambda sign: (ORDER[sign.kind], sign.cause))


def agent_of(row):
    """The Agent of a row of AGENTS."""
    agent_id, organization_id, _, published, version, created_at, *values, config = row
    columns = dict(zip(COLUMNS, values, strict=True))
    columns.update({column: loaded(columns[column]) for column in JSON_SETTINGS})
    return Agent.with_columns(
        id=agent_id,
        organization_id=organization_id,
        is_published=published,
        version=version,
        created_at=created_at,
        config=loaded(config),
        **columns,
    )


def all_signs():
    """Every Sign of every tenant, kind by kind, read through server-side cursors: memory stays flat."""
    for row in stream(credit.ANY, credit.parameters()):
        if sign := credit_sign(credit.Credit(*row)):
            yield sign
    for statement in sql.ALL:
        for organization_id, kind, cause, numbers in stream(statement, parameters()):
            yield found_sign(organization_id, kind, cause, loaded(numbers))
    for row in stream(AGENTS.format(of_agents=CANDIDATES), None):
        yield from of_agent_row(row)


def stream(statement, params):
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows
