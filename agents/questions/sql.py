"""What is in effect, worked out by the database: the rules of agents.effective in SQL, by which a list can filter.

A test holds both against each other on every shape of configuration. Texts come without secrets: addresses without
log-in and token, of headers the names, JSON where a text is due as "[JSON]". So nothing secret can be asked for either.
"""

import re

from django.db.models import BooleanField, Expression, F, TextField, Value

from agents import known
from agents.effective import BUILDER_PATHS, DECIMALS, DEPTH, NUMBERS, SERVED, SETTINGS
from agents.models import Agent
from backoffice.display import HIDDEN
from backoffice.export import ADDRESS_SECRET

HEADERS = "custom_headers"
HOST = "webhook_host"
# Python gives up on JSON nested deeper than about its limit of recursion; the columns count then.
TOO_DEEP = 900
# A text that Decimal() reads.
NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9][0-9]?[0-9]?)?\s*$"
LONGEST_NUMBER = 500  # characters: what numeric holds
HOST_OF = r"^\s*[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?(\[[^\]/]*\]|[^/:?#\\]+)"
ITEMS = 100  # of a list, in a text


class Sql(Expression):
    """SQL in which $0, $1 … stand for the expressions (or names of columns). No % may stand in it."""

    def __init__(self, template, *expressions, output_field=None):
        super().__init__(output_field=output_field or TextField())
        self.template = template
        self.expressions = [F(one) if isinstance(one, str) else one for one in expressions]

    @property
    def conditional(self):
        return isinstance(self.output_field, BooleanField)

    def get_source_expressions(self):
        return self.expressions

    def set_source_expressions(self, expressions):
        self.expressions = list(expressions)

    def as_sql(self, compiler, connection):
        compiled = [compiler.compile(one) for one in self.expressions]
        sql, params = "", []
        for at, piece in enumerate(re.split(r"\$(\d+)", self.template)):
            text, values = compiled[int(piece)] if at % 2 else (piece, [])
            sql += text
            params += values
        return sql, params


def condition(template, *expressions):
    return Sql(template, *expressions, output_field=BooleanField())


def keys(path):
    return "'{" + ",".join(path) + "}'"


def unwrapped():
    """The configuration (`whole`) out of its envelopes; NULL for one that is no object (effective.unwrap)."""
    cases = " ".join(
        f"when jsonb_typeof(whole #> {keys(['config'] * (depth + 1))}) is distinct from 'object'"
        f" then whole #> {keys(['config'] * depth)}"
        for depth in range(DEPTH)
    )
    too_deep = f"whole @? '$.**{{{TOO_DEEP}}}'"
    return f"case when jsonb_typeof(whole) is distinct from 'object' or {too_deep} then null {cases} end"


def envelopes():
    """The objects around the configuration, the outermost first; their keys are copies that never count."""
    each = ", ".join(
        f"case when jsonb_typeof(whole #> {keys(['config'] * (depth + 1))}) = 'object'"
        f" then whole #> {keys(['config'] * depth)} end"
        for depth in range(DEPTH - 1)
    )
    return f"case when jsonb_typeof(whole -> 'config') = 'object' then array_remove(array[{each}], null) end"


# `offset 0` has the database work each out once for a row, and the empty path has it unpack a long one once.
CONFIGURATION = (
    f"from (select {unwrapped()} as inner_config, {envelopes()} as outer_configs"
    " from (select $0 #> '{}' as whole offset 0) packed offset 0) configuration"
)


def held(name):
    """[(SQL of what the configuration holds, source)]; null counts as not set."""
    places = [((name,), "config")]
    if name in BUILDER_PATHS:
        places.append((BUILDER_PATHS[name], "builder"))
    return [(f"nullif(inner_config #> {keys(path)}, 'null')", source) for path, source in places]


def first_of(*sqls):
    return f"coalesce({', '.join(sqls)})"


def column(number=1):
    return f"nullif(to_jsonb(${number}), 'null')"


def of(name, template, *expressions):
    """`template` over `found`, the setting's JSON in effect. $0 is the configuration, $1 the column, then others."""
    found = first_of(*(sql for sql, _ in held(name)), column())
    return Sql(
        f"(select {template} from (select {found} as found {CONFIGURATION} offset 0) one)",
        "config", name, *expressions,
    )  # fmt: skip


def source_of(name):
    """Where the value comes from, as effective.Setting.source."""
    cases = " ".join(f"when {sql} is not null then '{source}'" for sql, source in held(name))
    return Sql(f"(select case {cases} else 'column' end {CONFIGURATION})", "config", name)


def plain(found):
    """The text of a JSON value: a string without quotes."""
    return f"({found} #>> '{{}}')"


def addresses_hidden(text):
    """A text that is an address, or has some in it, without log-ins and tokens."""
    without_login = f"regexp_replace({text}, '//[^/?#]*@', '//{HIDDEN}@', 'g')"
    return f"regexp_replace({without_login}, '{ADDRESS_SECRET}', '\\1{HIDDEN}', 'gi')"


def without_secrets(text):
    """A text as a page may show it."""
    return (
        f"case when {text} ~ '^\\s*[[{{]\\s*[\"{{\\[]' then '[JSON]'"
        f" when {text} ~ '^\\s*[A-Za-z]+://' then {addresses_hidden(text)} else {text} end"
    )


def texts_of(items):
    """SQL of an array of the entries of a list, without secrets."""
    text = plain("item")
    return (
        f"array(select case when jsonb_typeof(item) = 'string' and {text} !~ '^\\s*[[{{]'"
        f" then {addresses_hidden(text)} else '[JSON]' end from jsonb_array_elements({items}) item limit {ITEMS})"
    )


def entries(name):
    """SQL of an array: the entries of a list, or the names of the headers; NULL where there is none."""
    kind, empty = "jsonb_typeof(found)", """found is null or found in ('[]', '{}', '""')"""
    if name == HEADERS:
        names = f"array(select jsonb_object_keys(found) limit {ITEMS})"
        return f"case when {empty} then null when {kind} = 'object' then {names} else array['[JSON]'] end"
    one = f"array[case when {plain('found')} ~ '^\\s*[[{{]' then '[JSON]' else {addresses_hidden(plain('found'))} end]"
    return f"case when {empty} then null when {kind} = 'array' then {texts_of('found')} else {one} end"


def number(found):
    """SQL of the number that a JSON value is, NULL for everything else (effective.number)."""
    text = f"replace({plain(found)}, '_', '')"
    return (
        f"(select case when abs(number) < 1e30 then number end from (select case jsonb_typeof({found})"
        f" when 'number' then {plain(found)}::numeric"
        f" when 'string' then case when length({text}) < {LONGEST_NUMBER} and {text} ~ '{NUMBER}'"
        f" then regexp_replace({text}, '\\s', '', 'g')::numeric end end as number) parsed)"
    )


def is_list(name):
    return name in SETTINGS and SETTINGS[name].get_internal_type() == "JSONField"


def asked_text(name):
    """The text by which a setting is shown, asked for and counted; NULL where it is not set."""
    if name == HOST:
        return of("webhook_url", f"lower(substring({plain('found')} from '{HOST_OF}'))")
    if is_list(name):
        return of(name, f"array_to_string({entries(name)}, ', ')")
    hidden = addresses_hidden if name == "webhook_url" else without_secrets
    no_text = "jsonb_typeof(found) in ('object', 'array')"
    text = f"nullif(case when {no_text} then '[JSON]' else {hidden(plain('found'))} end, '')"
    # A number in one way to write it: 0.7 and 0.70 are one value.
    return of(name, f"coalesce(trim_scale({number('found')})::text, {text})" if name in NUMBERS else text)


def number_of(name):
    return of(name, number("found"))


def entries_of(name):
    """An array of the entries of a list, or of the names of headers; NULL where there is none."""
    return of(name, entries(name))


def column_text(name):
    """What the column beside it holds, without secrets as well."""
    if is_list(name):
        return Sql(f"(select array_to_string({entries(name)}, ', ') from (select $0 as found) one)", name)
    if name == "webhook_url":
        return Sql(addresses_hidden("$0"), name)
    return Sql(f"(select {without_secrets('text')} from (select ($0)::text as text) one)", name)


def same(name, one, other):
    """SQL of whether two JSON values of a setting mean the same (effective.same)."""
    if name not in NUMBERS:
        empty = f"""(({one} is null or {one} = '""') and ({other} is null or {other} = '""'))"""
        return f"coalesce({one} = {other} or {empty}, {empty})"
    # The column has two decimals: what it cannot hold is no difference.
    numbers = number(one), number(other)
    near = "abs({} - {}) < 0.005" if name in DECIMALS else "{} = {}"
    return f"(coalesce({one} = {other}, false) or coalesce({near.format(*numbers)}, false))"


def drift_sql(name, at):
    """SQL over the configuration: whether a copy differs from what counts; expression `at` is the column."""
    places, stored = [sql for sql, _ in held(name)], column(at)
    if name in DECIMALS:
        stored = f"""nullif({stored}, '"NaN"')"""  # it equals nothing, not even the text
    counts, found = first_of(*places), first_of(*places, stored)
    terms = [f"({counts} is not null and not {same(name, counts, stored)})"]
    terms += [
        f"({places[0]} is not null and {other} is not null and not {same(name, places[0], other)})"
        for other in places[1:]
    ]
    copy = f"nullif(envelope -> '{name}', 'null')"
    terms.append(
        f"(outer_configs is not null and inner_config is not null and exists (select 1 from unnest(outer_configs)"
        f" envelope where {copy} is not null and not {same(name, found, copy)}))"
    )
    return f"({' or '.join(terms)})"


def drifts(name):
    """Whether a copy holds something else than what counts (effective.Setting.drifts)."""
    return condition(f"(select {drift_sql(name, 1)} {CONFIGURATION})", "config", name)


def any_drifts():
    sql = " or ".join(drift_sql(name, at) for at, name in enumerate(SETTINGS, 1))
    return condition(f"(select {sql} {CONFIGURATION} where inner_config is not null)", "config", *SETTINGS)


def unserved(name):
    """Whether the runtime cannot serve it (effective.unserved)."""
    text = plain("found")
    if name == "llm_model":
        wrong = f"not {text} ~ '^({'|'.join(Agent.LLM_MODEL_PREFIXES)})'"
    elif name == "voice_provider":
        wrong = f"not {text} in ({texts(Agent.VOICE_PROVIDERS_THAT_WORK)})"
    elif name == "stt_provider":
        wrong = f"not {text} in ({texts(Agent.STT_PROVIDERS_THAT_WORK)})"
    else:
        return unspoken(name)
    found = of(name, f"{text} <> '' and {wrong}")
    found.output_field = BooleanField()
    return found


def unspoken(name):
    """Whether the voice's provider does not have this voice, or this model of voices (known.voice_fault …)."""
    value = of(name, "found")
    if name == "voice_id":
        known_ones = {"openai": f"lower({plain('$0')}) in ({texts(known.OPENAI_VOICES)})"}
    else:
        known_ones = {
            provider: f"{plain('$0')} ~ '^({'|'.join(prefixes)})'"
            for provider, prefixes in known.VOICE_MODEL_PREFIXES.items()
        }
    wrong = " or ".join(f"""($1 = '"{provider}"' and not {has})""" for provider, has in known_ones.items())
    return condition(f"({plain('$0')} <> '' and ({wrong}))", value, of("voice_provider", "found"))


def texts(values):
    return ", ".join(f"'{getattr(value, 'value', value)!s}'" for value in values)


def any_unserved():
    found = [unserved(name) for name in sorted(SERVED)]
    return condition("(" + " or ".join(f"${at}" for at in range(len(found))) + ")", *found)


def has_entry(name, entry):
    """Whether a list has an entry; of headers, whether one of that name is there, in any letters."""
    if name == HEADERS:
        of_names = "jsonb_object_keys(case when jsonb_typeof(found) = 'object' then found else '{}' end)"
        found = of(name, f"exists (select 1 from {of_names} key where lower(key) = lower($2))", Value(entry))
    else:
        found = of(
            name, "coalesce(jsonb_typeof(found) in ('array', 'string') and found ? $2, false)", Value(entry)
        )
    found.output_field = BooleanField()
    return found
