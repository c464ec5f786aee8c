"""Addresses of the lists that hold just the rows of a figure."""

from django.utils.http import urlencode

from backoffice import months
from backoffice.addresses import fixed_address

NONE = "null"  # stands in an address for a model or channel that is not recorded


def usage_url(month, **filters):
    return rows_url("billing:usagelog_list", month, filters)


def calls_url(month, **filters):
    return rows_url("telephony:calllog_list", month, filters)


def ledger_url(month, **filters):
    return rows_url("billing:credittransaction_list", month, filters)


def rows_url(name, month, filters):
    given = {key: value for key, value in filters.items() if value not in (None, "")}
    return f"{fixed_address(name)}?{urlencode({'month': months.slug_of(month), **given})}"
