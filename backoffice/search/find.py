"""Finds records for whatever was typed, of the kinds that the person may see, in a handful of queries."""

import re
from dataclasses import dataclass, field

from django.db import OperationalError, transaction
from django.utils.http import urlencode

from backoffice.faults import QUERY_CANCELED
from backoffice.replicas.choice import reading
from backoffice.search import probes
from backoffice.search.highlight import highlight, highlight_digits
from backoffice.search.kinds import BY_NAME, kinds_for
from backoffice.search.typed import read

PER_KIND = 8
CANDIDATES = 16  # of names per kind, from which the best PER_KIND are shown
TIMEOUT = "2s"


@dataclass
class Hit:
    """`title` and `details` are safe HTML with what matched marked; `matched` says where, if it is not the name."""

    kind: object
    url: str
    title: str
    details: list
    matched: str
    rank: int
    tenant: object = None
    more_tenants: int = 0

    @property
    def is_exact(self):
        return self.rank == probes.EXACT


@dataclass
class Group:
    kind: object
    hits: list
    more_url: str = ""


@dataclass
class Results:
    typed: object
    groups: list = field(default_factory=list)
    too_broad: bool = False

    @property
    def count(self):
        return sum(len(group.hits) for group in self.groups)

    def the_one(self):
        """The address to open at once: of the only exact hit, or of the only hit if its name is just that."""
        if self.typed.is_page:
            return self.typed.address
        hits = [hit for group in self.groups for hit in group.hits]
        exact = {hit.url for hit in hits if hit.is_exact}
        if len(exact) == 1:
            return exact.pop()
        if len(hits) == 1 and hits[0].rank == probes.NAMED:
            return hits[0].url
        return ""


def find(text, user, *, per_kind=PER_KIND):
    """Results of a search by `user`. A search that takes too long ends with `too_broad`, and nothing found."""
    typed = read(text)
    results = Results(typed)
    if typed.is_empty:
        return results
    connection = reading()
    try:
        with transaction.atomic(using=connection.alias):
            words, found = candidates(connection, typed, user)
            results.groups = groups(found, typed, words, user, per_kind)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != QUERY_CANCELED:
            raise
        results.too_broad = True
    return results


# Whatever is asked for, each question reads its index and stops soon: one plan will do, and to make it for these words
# takes six times as long as to answer.
PREPARE = """
select set_config('statement_timeout', %s, true), set_config('plan_cache_mode', 'force_generic_plan', true),
  w, audit.search_query(w)::text
from audit.search_text(%s) w
"""


def prepare(connection, typed):
    """Limits the statements that follow to TIMEOUT. (words as the database compares them, their tsquery as text)."""
    ((row,),) = connection.read_together([(PREPARE, [TIMEOUT, typed.names])])  # along with BEGIN
    return row[2:]


def candidates(connection, typed, user):
    """(words as the database compares them, [(kind, id, matched, rank)])."""
    parameters, asked = {}, []
    if typed.uuids:
        parameters["uuids"] = typed.uuids
        asked += probes.BY_ID
    if typed.page and isinstance(pk := typed.page.kwargs.get("pk"), int):
        parameters["number"] = pk
        model = getattr(getattr(typed.page.func, "view_class", None), "model", None)
        asked += [probe for probe in probes.BY_NUMBER if model and BY_NAME[probe[0]].model is model]
    elif typed.number is not None:
        parameters["number"] = typed.number
        asked += probes.BY_NUMBER
    if typed.mail:
        parameters["mail"] = typed.mail
        asked += probes.BY_MAIL
    if typed.token:
        domain = typed.token.lower().removeprefix("sips:").removeprefix("sip:").partition(";")[0]
        domain = re.sub(r":\d{1,5}$", "", domain.rpartition("@")[2] or domain)[:200]
        parameters |= {
            "token": typed.token,
            "tokens": [typed.token, *map(str, typed.uuids)],
            **probes.beginning("domain", domain),
        }
        asked += [probe for probe in probes.BY_TOKEN if probe[0] != "trunk" or len(domain) >= 3]
    for n, ending in enumerate(typed.digits):
        parameters |= probes.beginning(f"ending{n}", ending[::-1])
        parameters[f"close{n}"] = probes.EXACT if len(ending) >= 7 and n == 0 else probes.BEGINS
        asked += [(kind, sql.replace("{n}", str(n))) for kind, sql in probes.BY_DIGITS]
    words, query = prepare(connection, typed)
    if query:
        parameters |= probes.beginning("words", words[:100]) | {"query": query}
        asked += probes.BY_WORDS
    allowed = {kind.name for kind in kinds_for(user)}
    asked = [probe for probe in asked if probe[0] in allowed]
    if not (sql := probes.union(asked, CANDIDATES)):
        return words, []
    with connection.prepared_cursor() as cursor:
        cursor.execute(sql, parameters)
        return words, cursor.fetchall()


OWNED = """
select id, name, owner_id from public.organizations where owner_id = any(%s::uuid[]) order by name limit 50
"""


def groups(found, typed, words, user, per_kind):
    """Groups, best first; the best rows of all kinds are read in one go, each with its organization."""
    best = {}
    for kind, pk, matched, rank, key in found:
        before = best.setdefault(kind, {}).get(pk)
        if before is None or rank < before[1]:
            best[kind][pk] = (matched, rank, key)
    # Found was what the user may see.
    ranked = {
        kind: sorted(best[kind.name].items(), key=lambda row: row[1][1:])
        for kind in BY_NAME.values()
        if kind.name in best
    }
    wanted = {
        kind: [pk for pk, _ in rows[:per_kind]] for kind, rows in ranked.items() if kind.name != "caller"
    }
    sees_tenants = user.has_perm(BY_NAME["organization"].permission)
    owners = wanted.get(BY_NAME["profile"], []) if sees_tenants else []
    objects, owned = read_rows(wanted, owners, user)
    made = []
    for kind, rows in ranked.items():
        if kind in objects:
            hits = list(records(kind, rows[:per_kind], objects[kind], owned, typed, words, sees_tenants))
        else:
            hits = [caller(kind, number, calls, rank, typed) for number, (calls, rank, _) in rows[:per_kind]]
        if hits:
            more = f"{kind.list_url()}?{urlencode({'q': typed.text})}" if len(rows) > per_kind else ""
            made.append(Group(kind, hits, more))
    made.sort(key=lambda group: group.hits[0].rank)  # stable: equals stay in the order of KINDS
    return made


def objects_of(wanted, user):
    """{kind: {pk as text: row}} of the wanted {kind: [pk]}, as far as `user` may see them; waits once."""
    objects, _ = read_rows(wanted, [], user)
    return objects


def read_rows(wanted, owners, user):
    """(what objects_of() gives, {id of an owner: their organizations}); organizations are fifty at the most."""
    connection = reading()
    reads = [kind.read(pks, user) for kind, pks in wanted.items()]
    if owners:
        reads.append((OWNED, [owners]))
    found = connection.read_together(reads)
    owned = found.pop() if owners else []
    objects = {kind: kind.rows(values, connection.alias) for kind, values in zip(wanted, found, strict=True)}
    model, organizations = BY_NAME["organization"].model, {}
    for values in owned:
        row = model.from_db(connection.alias, ("id", "name", "owner_id"), values)
        organizations.setdefault(row.owner_id, []).append(row)
    return objects, organizations


def records(kind, rows, objects, owned, typed, words, sees_tenants):
    for pk, (matched, rank, _) in rows:
        if (row := objects.get(pk)) is None:
            continue
        details = [highlight(text, words) for name in kind.details if (text := getattr(row, name, None))]
        if matched in ("phone", "number") and typed.digits:
            title = str(row) if matched == "phone" else ending_marked(str(row), typed)
            if matched == "phone":
                details.append(ending_marked(row.phone_number, typed))
        elif rank == probes.EXACT and (value := matched_value(row, matched)) != str(row):
            title = str(row)
            details.append(highlight(value, value.lower()) if value else "")
        else:
            title = highlight(str(row), words)
        tenants = owned.get(row.pk, []) if kind.name == "profile" else [kind.tenant_of(row)]
        yield Hit(
            kind=kind,
            url=row.get_absolute_url(),
            title=title,
            details=[detail for detail in details if detail],
            matched="" if matched in ("name", "text") else matched,
            rank=rank,
            tenant=tenants[0] if tenants and sees_tenants else None,
            more_tenants=max(len(tenants) - 1, 0),
        )


# What matched → the column that it was found in, where that is not what the record is called by.
MATCHED_COLUMN = {
    "id": "pk",
    "Stripe customer": "stripe_customer_id",
    "Stripe subscription": "stripe_subscription_id",
    "provider's id": "provider_sid",
    "session id": "session_ref",
}


def matched_value(row, matched):
    return str(getattr(row, MATCHED_COLUMN.get(matched, ""), "") or "")


def ending_marked(number, typed):
    """A number with those of its digits marked that were typed."""
    digits = "".join(sign for sign in number if sign.isdigit())
    return highlight_digits(number, next((e for e in typed.digits if digits.endswith(e)), ""))


def caller(kind, number, calls, rank, typed):
    count = f"{calls} call{'' if calls == '1' else 's'}" if calls != "1000" else "1,000 calls or more"
    url = f"{kind.list_url()}?{urlencode({'q': number})}"
    return Hit(kind, url, ending_marked(number, typed), [count], "", rank)
