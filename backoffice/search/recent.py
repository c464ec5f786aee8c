"""The records that a person opened lately, newest first."""

import logging

from django.db import DatabaseError, connection

from backoffice.models import Recent
from backoffice.search.find import Hit, objects_of
from backoffice.search.kinds import KINDS

log = logging.getLogger(__name__)

KEPT = 30
SHOWN = 8


def opened(user, obj):
    """Remembers that `user` opened the page of `obj`, in one statement; the oldest of more than KEPT is forgotten.

    What goes wrong here never keeps the page from being shown. Nor does the disk: unless it is part of a transaction,
    the statement does not wait until it is written there, so that a crash of the database loses the last second of it.
    """
    table = Recent._meta.db_table
    try:
        with connection.prepared_cursor() as cursor:
            cursor.execute(
                f"""
                with alone as materialized (
                  select case when %(alone)s then set_config('synchronous_commit', 'off', true) end
                ), kept as (
                  insert into {table} (user_id, model, record, opened_at)
                  select %(user)s, %(model)s, %(record)s, clock_timestamp() from alone
                  on conflict (user_id, model, record) do update set opened_at = excluded.opened_at
                )
                delete from {table} where id in (
                  select id from {table} where user_id = %(user)s and (model, record) <> (%(model)s, %(record)s)
                  order by opened_at desc offset %(others)s)
                """,
                {
                    "user": user.pk,
                    "model": obj._meta.label_lower,
                    "record": str(obj.pk),
                    "others": KEPT - 1,
                    "alone": not connection.in_atomic_block,
                },
            )
    except DatabaseError:
        log.warning("Not remembered as opened: %s %s", obj._meta.label, obj.pk, exc_info=True)


def recent(user, limit=SHOWN):
    """Hits of the records opened last that are still there and that `user` may see."""
    kinds = {kind.model_label.lower(): kind for kind in KINDS if user.has_perm(kind.permission)}
    kept = list(Recent.objects.filter(user=user).order_by("-opened_at").values_list("model", "record")[:KEPT])
    kept = [(model, record) for model, record in kept if model in kinds][: limit * 2]
    wanted = {kinds[model]: [record for of, record in kept if of == model] for model, _ in kept}
    rows = objects_of(wanted, user)
    may_see_tenants = user.has_perm("tenants.view_organization")
    hits = []
    for model, record in kept:
        kind = kinds[model]
        if row := rows[kind].get(record):
            tenant = kind.tenant_of(row) if may_see_tenants else None
            hits.append(Hit(kind, row.get_absolute_url(), str(row), [], "", 0, tenant))
    return hits[:limit]
