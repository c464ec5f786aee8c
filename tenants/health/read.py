"""The signs of one tenant for its page, and of all tenants for the queue."""

import datetime
import json
from functools import lru_cache
from itertools import chain

from django.conf import settings
from django.db import connection

from agents.effective import BUILDER_PATHS, JSON_SETTINGS, SETTINGS, resolve, telling
from agents.known import OPENAI_VOICES, VOICE_MODEL_PREFIXES
from backoffice.figures import tenant as figures
from tenants.desk.together import read_together
from tenants.health import credit, sql
from tenants.health.kinds import ORDER
from tenants.health.words import agent_faults, agent_signs, credit_sign, found_sign

COLUMNS = list(SETTINGS)
# Those whose columns alone can be wrong, in the order of faults_of_columns().
SERVED = ("llm_model", "voice_provider", "voice_id", "voice_model", "stt_provider")
# A configuration without any of these keys says nothing about any setting (agents.effective): the columns count.
KEYS = sorted({"config", *COLUMNS, *(path[0] for path in BUILDER_PATHS.values())})
TELLS = f"config ?| array[{', '.join(map(repr, KEYS))}]"
ROWS_AT_ONCE = 2000
# What cannot work by itself (the rules are agents.effective.unserved's), and maybe a little that can.
FAULTY = f"""voice_provider not in ('elevenlabs', 'openai', '')
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
# The agents that can show a sign, in two kinds of rows; {agents} are those that are looked at.
BY_COLUMNS = f"""
select id, organization_id, name, {", ".join(SERVED)}
from {{agents}} where ({TELLS}) is not true and ({FAULTY})
"""
BY_CONFIGURATION = f"""
select id, organization_id, name, {", ".join(SETTINGS[name].column for name in COLUMNS)}, config
from {{agents}} where {TELLS}
"""
OF_ONE = f"""(
  select id, organization_id, {", ".join(SETTINGS[name].column for name in COLUMNS)}, config
  from agents where organization_id = %s order by coalesce(created_at, '-infinity') desc, id desc limit %s) newest"""


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


@lru_cache(maxsize=1024)
def faults_of_columns(*values):
    """agent_faults() of an agent of which only these columns count; many agents have the same."""
    return agent_faults(resolve(None, dict(zip(SERVED, values, strict=True)), SERVED))


def of_columns(row):
    """The signs of one row of BY_COLUMNS."""
    agent_id, organization_id, name, *values = row
    return agent_signs(organization_id, agent_id, name, faults_of_columns(*values))


def of_configuration(row):
    """The signs of one row of BY_CONFIGURATION."""
    agent_id, organization_id, name, *values, config = row
    columns = dict(zip(COLUMNS, values, strict=True))
    config = loaded(config)
    names = telling(config)
    columns.update({column: loaded(columns[column]) for column in JSON_SETTINGS & names})
    return agent_signs(organization_id, agent_id, name, agent_faults(resolve(config, columns, names)))


def loaded(text):
    """The value of a jsonb column, which arrives as its text; None for one nested too deeply to read."""
    try:
        return None if text is None else json.loads(text)
    except RecursionError:
        return None


def signs_of(organization):
    """[Sign] of one tenant, grave ones first, in a few queries."""
    kept = figures.kept()
    reads = [*found_reads(organization, kept), *agents_reads(organization, None)]
    return signs_from(credit.credit_of(organization, kept), *read_together(reads))


def found_reads(organization, kept):
    """The statements that find the signs which SQL can find, and their parameters; `kept` is figures.tenant.kept()."""
    recently = kept.now - datetime.timedelta(days=settings.HEALTH_CALL_DAYS)
    windows = {
        **kept.window(recently - datetime.timedelta(days=28), recently, "before_"),
        **kept.window(recently, kept.now + datetime.timedelta(days=1), "recent_"),
    }
    values = parameters(id=organization.pk, **windows)
    return [(statement, values) for statement in sql.OF_ONE]


def agents_reads(organization, limit):
    """The two statements that read those of the newest agents that can show a sign, with their parameters."""
    return [
        (statement.format(agents=OF_ONE), [organization.pk, limit])
        for statement in (BY_COLUMNS, BY_CONFIGURATION)
    ]


def signs_from(known_credit, *rows):
    """[Sign] of one tenant out of its Credit and the rows of found_reads() and agents_reads()."""
    *found, by_columns, by_configuration = rows
    signs = [credit_sign(known_credit)]
    signs += [found_sign(of, kind, cause, loaded(numbers)) for of, kind, cause, numbers in chain(*found)]
    for row in by_columns:
        signs += of_columns(row)
    for row in by_configuration:
        signs += of_configuration(row)
    return sorted(filter(None, signs), key=lambda sign: (ORDER[sign.kind], sign.cause))


def all_signs():
    """Every Sign of every tenant, kind by kind, read through server-side cursors: memory stays flat."""
    for row in stream(credit.ANY, credit.parameters()):
        if sign := credit_sign(credit.Credit(*row)):
            yield sign
    for statement in sql.ALL:
        for organization_id, kind, cause, numbers in stream(statement, parameters()):
            yield found_sign(organization_id, kind, cause, loaded(numbers))
    for row in stream(BY_COLUMNS.format(agents="agents"), None):
        yield from of_columns(row)
    for row in stream(BY_CONFIGURATION.format(agents="agents"), None):
        yield from of_configuration(row)


def stream(statement, params):
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows
