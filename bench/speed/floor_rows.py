"""Rows of the floor's lists: an f-string each, with the facts that ours show; they are compared by `data-id`."""

from html import escape

# Cells


def text(value):
    return "" if value is None else escape(str(value))


def time(value):
    return "" if value is None else f"<time>{value}</time>"


def organization(pk, name):
    return "" if pk is None else f'<a href="/tenants/organizations/{pk}/">{escape(name or "")}</a>'


def agent(pk, name):
    return "" if pk is None else f'<a href="/agents/agents/{pk}/">{escape(name or "")}</a>'


# Rows


def session_row(pk, name, agent_id, agent_name, org_id, org_name, channel, status, count, last, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/agents/sessions/{pk}/">{text(name)}</a><td>{agent(agent_id, agent_name)}'
        f"<td>{organization(org_id, org_name)}<td>{text(channel)}<td>{text(status)}<td>{count}<td>{time(last)}"
        f"<td>{time(created)}"
    )


def message_row(pk, session_id, session_name, role, content, tokens, latency, model, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/agents/messages/{pk}/">{time(created)}</a>'
        f'<td><a href="/agents/sessions/{session_id}/">{text(session_name)}</a><td>{text(role)}<td>{text(content)}'
        f"<td>{text(tokens)}<td>{text(latency)}<td>{text(model)}"
    )


def conversation_row(
    pk, store, source, org_id, org_name, agent_id, agent_name, channel, status, flags, length, stored, tokens,
    cost, caller, outcome, started,
):  # fmt: skip
    return (
        f'<tr data-id="{source}"><td><a href="/agents/{store}s/{source}/">{time(started)}</a>'
        f"<td>{organization(org_id, org_name)}<td>{agent(agent_id, agent_name)}<td>{text(channel)}<td>{text(status)}"
        f"<td>{text(', '.join(flags))}<td>{length}<td>{stored}<td>{text(tokens)}<td>{text(cost)}<td>{text(caller)}"
        f"<td>{text(outcome)}"
    )


def organization_row(pk, name, owner_id, mail, tier, balance, created):
    return (
        f'<tr data-id="{pk}"><td>{organization(pk, name)}<td><a href="/tenants/profiles/{owner_id}/">{text(mail)}</a>'
        f"<td>{text(tier)}<td>{balance}<td>{time(created)}"
    )


def profile_row(pk, mail, name, company, phone, tier, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/tenants/profiles/{pk}/">{text(mail)}</a><td>{text(name)}'
        f"<td>{text(company)}<td>{text(phone)}<td>{text(tier)}<td>{time(created)}"
    )


def agent_row(pk, name, org_id, org_name, model, voice, published, version, created):
    return (
        f'<tr data-id="{pk}"><td>{agent(pk, name)}<td>{organization(org_id, org_name)}<td>{text(model)}'
        f"<td>{text(voice)}<td>{text(published)}<td>{version}<td>{time(created)}"
    )


def number_row(pk, number, org_id, org_name, agent_id, agent_name, provider, status, call_id, called, calls):
    return (
        f'<tr data-id="{pk}"><td><a href="/telephony/numbers/{pk}/">{text(number)}</a>'
        f"<td>{organization(org_id, org_name)}<td>{agent(agent_id, agent_name)}<td>{text(provider)}<td>{text(status)}"
        f'<td><a href="/telephony/calls/{call_id}/">{time(called)}</a><td>{calls}'
    )


def trunk_row(pk, org_id, org_name, domain, username, provider, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/telephony/trunks/{pk}/">{text(domain)}</a>'
        f"<td>{organization(org_id, org_name)}<td>{text(username)}<td>{text(provider)}<td>{time(created)}"
    )


def call_row(
    pk, caller, number_id, number, org_id, org_name, agent_id, agent_name, direction, status, seconds, cost, created
):  # fmt: skip
    return (
        f'<tr data-id="{pk}"><td><a href="/telephony/calls/{pk}/">{time(created)}</a><td>{text(caller)}'
        f'<td><a href="/telephony/numbers/{number_id}/">{text(number)}</a><td>{organization(org_id, org_name)}'
        f"<td>{agent(agent_id, agent_name)}<td>{text(direction)}<td>{text(status)}<td>{text(seconds)}<td>{text(cost)}"
    )


def usage_row(pk, org_id, org_name, agent_id, agent_name, channel, model, tokens, cost, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/billing/usage/{pk}/">{time(created)}</a><td>{organization(org_id, org_name)}'
        f"<td>{agent(agent_id, agent_name)}<td>{text(channel)}<td>{text(model)}<td>{text(tokens)}<td>{text(cost)}"
    )


def posting_row(pk, org_id, org_name, kind, amount, after, reason, actor, adopted, created):
    return (
        f'<tr data-id="{pk}"><td><a href="/billing/ledger/{pk}/">{pk}</a><td>{organization(org_id, org_name)}'
        f"<td>{text(kind)} {text(adopted)}<td>{amount}<td>{after}<td>{text(reason)}<td>{text(actor)}<td>{time(created)}"
    )


def change_row(pk, at, actor, action, table_name, row_id, label, brief, reason):
    return (
        f'<tr data-id="{pk}"><td><a href="/audit/changes/{pk}/">{time(at)}</a><td>{text(actor)}<td>{text(action)}'
        f"<td>{text(table_name)} {text(label or row_id)}<td>{text(brief)}<td>{text(reason)}"
    )


def reading_row(pk, at, actor, kind, table_name, row_id, label, reason, org_id, org_name):
    return (
        f'<tr data-id="{pk}"><td><a href="/audit/readings/{pk}/">{time(at)}</a><td>{text(actor)}<td>{text(kind)}'
        f"<td>{text(table_name)} {text(label or row_id)}<td>{text(reason)}<td>{organization(org_id, org_name)}"
    )


def setting_row(pk, name, org_id, org_name, model, published, numbers):
    return (
        f'<tr data-id="{pk}"><td>{agent(pk, name)}<td>{organization(org_id, org_name)}<td>{text(model)}'
        f"<td>{text(published)}<td>{numbers}"
    )


def balance_row(pk, name, balance, long, short, per_day_long, per_day_short, posting_id, posted):
    return (
        f'<tr data-id="{pk}"><td>{organization(pk, name)}<td>{balance}<td>{text(long)}<td>{text(short)}'
        f"<td>{text(per_day_long)}<td>{text(per_day_short)}"
        f'<td><a href="/billing/ledger/{posting_id}/">{time(posted)}</a>'
    )


def reconciled_row(pk, name, balance, ledger, settled, usage, calls):
    return (
        f'<tr data-id="{pk}"><td>{organization(pk, name)}<td>{balance}<td>{ledger}<td>{balance - ledger}'
        f"<td>{settled}<td>{usage}<td>{calls}"
    )
