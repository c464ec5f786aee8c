"""Changing settings of many agents: dry run, confirmation, conflicts, what is blocked, undo, one audit entry."""

import csv
import io
import re

import pytest
from django.urls import reverse

from agents.effective import effective
from agents.models import Agent, SettingChange, SettingChangeRow
from agents.questions import changing
from agents.tests.factories import make_agent
from agents.tests.test_effective import BUILDER, FLAT
from backoffice import jobs
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.testing import platform
from backoffice.testing_crud import HOSTILE, MEGABYTE, check_page
from tenants.tests.factories import make_organization

LIST = "/agents/settings/"
BULK = "/lists/agents:question_list/bulk/"
SHAPES = {
    "column": None,
    "flat": FLAT,
    "builder": BUILDER,
    "merged": BUILDER | FLAT,
    "envelope": {"name": "Desk", "config": BUILDER | FLAT},
    "text": '{"llm_model": "gpt-4"}',
}


@pytest.fixture
def agents(db):
    tenant = make_organization(name="Acme")
    return {
        name: make_agent(tenant, name=name, config=config, llm_model="gpt-4")
        for name, config in SHAPES.items()
    }


def form_of(client, rows, settings, query=""):
    """The address of the form for these rows."""
    answer = client.post(
        BULK, {"action": "ChangeSettings", "row": [str(row.pk) for row in rows], "query": query}
    )
    assert answer.status_code == 302
    address = client.get(answer.url).url
    return f"{address}&{'&'.join(f'setting={name}' for name in settings)}"


def dry_run(client, rows, query="", **data):
    """The SettingChange of a form filled in with {setting: (how, value, find)}."""
    address = form_of(client, rows, data, query)
    check_page(client.get(address))
    typed = {}
    for name, (how, value, *find) in data.items():
        typed |= {f"{name}_how": how, f"{name}_value": value, f"{name}_find": find[0] if find else ""}
    answer = client.post(address, typed)
    assert answer.status_code == 302, answer.content.decode()
    return SettingChange.objects.get(pk=answer.url.strip("/").split("/")[-1])


def confirm(client, change, reason="Model retired", **data):
    answer = client.post(change.get_absolute_url(), {"reason": reason, **data})
    assert answer.status_code == 302, answer.content.decode()
    change.refresh_from_db()
    return done(change.job)


def done(job):
    jobs.run(str(job.pk))
    job.refresh_from_db()
    return job


def in_effect(agent, name="llm_model"):
    return effective(Agent.objects.get(pk=agent.pk))[name].value


def states(change):
    return dict(change.rows.values_list("agent_name", "state"))


def test_every_shape_gets_the_value_where_it_counts_and_one_click_takes_it_back(support_client, agents):
    before = {
        name: (in_effect(agent), Agent.objects.get(pk=agent.pk).config) for name, agent in agents.items()
    }
    change = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    assert set(states(change).values()) == {"ready"}
    assert {in_effect(agent) for agent in agents.values()} == {before[name][0] for name in agents}, (
        "a dry run"
    )
    html = check_page(support_client.get(change.get_absolute_url()))
    assert "column llm_model, config.config.llm_model, config.config.model" in html
    job = confirm(support_client, change)
    assert (job.status, job.message) == ("succeeded", "6 changed, 0 skipped, 0 blocked, 0 failed.")
    for name, agent in agents.items():
        stored = Agent.objects.get(pk=agent.pk)
        assert in_effect(agent) == stored.llm_model == "gpt-4.1", name
    html = check_page(support_client.get(change.get_absolute_url()))
    revert = reverse("backoffice:batch_revert", args=[job.pk])
    assert revert in html
    check_page(support_client.get(revert))
    answer = support_client.post(revert)
    assert answer.status_code == 302
    for name, agent in agents.items():
        assert (in_effect(agent), Agent.objects.get(pk=agent.pk).config) == before[name], name


def test_the_audit_has_one_entry_of_it_that_opens_to_its_rows(support_client, manager_client, agents):
    change = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    assert not AuditEvent.objects.filter(table_name="backoffice.agents_settingchange").exists()
    job = confirm(support_client, change)
    entry = AuditEvent.objects.get(table_name="backoffice.agents_settingchange")
    assert (entry.request_id, entry.reason, entry.actor_id) == (
        str(job.pk),
        "Model retired",
        support_client.user.pk,
    )
    assert entry.row_label == "LLM model set to gpt-4.1"
    list_page = reverse("backoffice:auditevent_list")
    html = check_page(manager_client.get(list_page, {"batches": "one", "action": "update"}))
    assert "settings change LLM model set to gpt-4.1" in html and ">agent flat<" not in html
    html = check_page(manager_client.get(entry.get_absolute_url()))
    rows = f"{list_page}?batch={job.pk}"
    assert rows in html
    assert "agent flat" in check_page(manager_client.get(rows))


def test_rows_changed_since_are_skipped_and_named(support_client, agents):
    rows = [agents["flat"], agents["column"], agents["builder"]]
    planned = dry_run(support_client, rows, llm_model=("set", "gpt-4.1"))
    with platform():
        Agent.objects.filter(pk=agents["flat"].pk).update(config=FLAT | {"llm_model": "gpt-4o-mini"})
        Agent.objects.filter(pk=agents["builder"].pk).update(system_prompt="Another setting does not matter")
    job = confirm(support_client, planned)
    assert job.message == "2 changed, 1 skipped, 0 blocked, 0 failed."
    assert in_effect(agents["flat"]) == "gpt-4o-mini"
    html = check_page(support_client.get(planned.get_absolute_url(), {"rows": "was-skipped"}))
    assert ">flat<" in html and "Changed since the dry run: llm_model." in html and ">builder<" not in html


def test_a_row_that_is_gone_is_skipped(support_client, agents):
    planned = dry_run(support_client, [agents["flat"], agents["column"]], llm_model=("set", "gpt-4.1"))
    with platform():
        Agent.objects.filter(pk=agents["flat"].pk).delete()
    assert confirm(support_client, planned).message == "1 changed, 1 skipped, 0 blocked, 0 failed."


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("llm_model", "deepseek-chat", "deepseek-chat"),
        ("temperature", "2.5", "from 0 to 2"),
        ("webhook_url", "http://hooks.test/", "https://"),
        ("voice_provider", "cartesia", "cartesia"),
    ],
)
def test_what_is_not_valid_is_blocked_with_the_reason_and_nothing_is_written(
    support_client, agents, setting, value, why
):
    planned = dry_run(support_client, agents.values(), **{setting: ("set", value)})
    assert set(states(planned).values()) == {"blocked"}
    html = check_page(support_client.get(planned.get_absolute_url(), {"rows": "blocked"}))
    assert why in html and "Do it" not in html
    answer = support_client.post(planned.get_absolute_url(), {"reason": "r"}, follow=True)
    assert "No agent would change." in check_page(answer)
    assert not Job.objects.filter(kind="settings_change").exists()


def test_what_became_invalid_since_is_blocked_when_it_is_done(support_client, agents, monkeypatch):
    planned = dry_run(support_client, [agents["flat"], agents["column"]], llm_model=("set", "gpt-4.1"))
    refuse = {"llm_model": ["It was withdrawn."]}
    monkeypatch.setattr(
        "agents.questions.deeds.faults", lambda agent, _: refuse if agent.name == "flat" else {}
    )
    assert confirm(support_client, planned).message == "1 changed, 0 skipped, 1 blocked, 0 failed."
    assert planned.rows.get(outcome="blocked").message == "LLM model: It was withdrawn."


def test_rows_that_are_so_already_are_told_apart(support_client, agents):
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4o"))
    assert {name for name, state in states(planned).items() if state == "already"} == {
        "flat",
        "merged",
        "envelope",
    }


def test_several_settings_with_find_and_replace_lists_and_numbers(support_client, db):
    agent = make_agent(
        config={"system_prompt": "Acme opens at 9. Acme closes at 5.", "webhook_url": "https://u:p4ss@old.test/x?token=t0k"},
        enabled_mcp_servers=["weather", "email"],
    )  # fmt: skip
    planned = dry_run(
        support_client,
        [agent],
        system_prompt=("replace", "Ajax", "Acme"),
        webhook_url=("replace", "new.test", "old.test"),
        enabled_mcp_servers=("add", "calendar\nweather"),
    )
    assert set(states(planned).values()) == {"ready"}
    html = check_page(support_client.get(planned.get_absolute_url()))
    answer = support_client.get(reverse("agents:settingchange_rows", args=[planned.pk]))
    text = b"".join(answer.streaming_content).decode()
    for secret in ("p4ss", "t0k"):
        assert secret not in html and secret not in text and secret not in str(planned.rows.get().fields)
    assert ReadLog.objects.filter(kind="export", row_id=str(planned.pk)).count() == 1
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["setting"] for line in lines] == ["system_prompt", "webhook_url", "enabled_mcp_servers"]
    confirm(support_client, planned)
    assert in_effect(agent, "system_prompt") == "Ajax opens at 9. Ajax closes at 5."
    assert in_effect(agent, "webhook_url") == "https://u:p4ss@new.test/x?token=t0k"
    assert in_effect(agent, "enabled_mcp_servers") == ["weather", "email", "calendar"]


def test_nothing_is_looked_for_in_the_secret_parts_of_an_address(support_client, db):
    agent = make_agent(config={"webhook_url": "https://u:p4ss@old.test/x?token=t0k"})
    for part in ("p4ss", "t0k", "u:"):
        assert states(dry_run(support_client, [agent], webhook_url=("replace", "x", part))) == {
            agent.name: "already"
        }


def test_a_log_in_that_was_typed_stands_in_no_name(support_client, db):
    agent = make_agent(webhook_url="https://hooks.test/")
    ways = [
        ("replace", "https://u:p4ss@b.test", "https://u:p4ss@a.test"),
        ("set", "https://u:p4ss@b.test/?token=t0k"),
    ]
    for way in ways:
        planned = dry_run(support_client, [agent], webhook_url=way)
        html = check_page(support_client.get(planned.get_absolute_url()))
        assert "b.test" in planned.name and "p4ss" not in html and "t0k" not in html


def test_a_setting_is_cleared_in_column_and_configuration(support_client, db):
    agent = make_agent(config=BUILDER, voice_id="Puck", temperature="0.50")
    confirm(
        support_client, dry_run(support_client, [agent], voice_id=("clear", ""), temperature=("set", "0.9"))
    )
    stored = Agent.objects.get(pk=agent.pk)
    assert (stored.voice_id, "name" in stored.config["voice"], str(stored.temperature)) == (
        None,
        False,
        "0.90",
    )


@pytest.mark.parametrize(
    "config",
    [
        {"llm_model": {"a": [1]}},
        {"llm_model": MEGABYTE, "system_prompt": HOSTILE},
        {"llm_model": ["gpt"], "temperature": "warm", "enabled_mcp_servers": "x"},
        {"llm_model": True, "temperature": 1e300, "enabled_mcp_servers": {"a": 1}},
    ],
    ids=["object", "megabyte", "lists", "other"],
)
def test_hostile_values_are_replaced_or_named(support_client, config):
    agent = make_agent(name=HOSTILE, config=config)
    planned = dry_run(support_client, [agent], llm_model=("set", "gpt-4.1"), temperature=("set", "1.0"))
    html = check_page(support_client.get(planned.get_absolute_url()))
    assert len(html) < 100_000 and "<script>alert" not in html
    assert confirm(support_client, planned).message.startswith("1 changed")
    assert (in_effect(agent), float(in_effect(agent, "temperature"))) == ("gpt-4.1", 1.0)
    lists = dry_run(support_client, [agent], enabled_mcp_servers=("add", "weather"))
    if isinstance(in_effect(agent, "enabled_mcp_servers"), list):
        assert states(lists).popitem()[1] == "ready"
    else:
        assert "holds no list" in lists.rows.get().problem


def test_a_configuration_nested_5000_levels_goes_by_its_columns(support_client, db):
    from django.db import connection

    agent = make_agent(llm_model="gpt-4")
    with platform(), connection.cursor() as cursor:
        deep = '{"llm_model": "claude", "x": ' + '{"a":' * 5000 + "1" + "}" * 5001
        cursor.execute("update agents set config = %s where id = %s", [deep, agent.pk])
    assert states(dry_run(support_client, [agent], llm_model=("set", "gpt-4.1"))) == {agent.name: "ready"}


def test_the_form_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed(support_client, agents):
    address = form_of(support_client, agents.values(), ["llm_model", "temperature"])
    typed = {"llm_model_how": "replace", "llm_model_find": "", "llm_model_value": "gpt-9",
             "temperature_how": "set", "temperature_value": "warm"}  # fmt: skip
    html = check_page(support_client.post(address, typed), 422)
    assert "Say what is looked for." in html and "Enter a number such as" in html
    assert 'value="gpt-9"' in html and 'value="warm"' in html
    assert not SettingChange.objects.exists()


def test_the_form_opens_with_the_settings_that_were_asked_about(support_client, agents):
    query = "where_setting=webhook_host&where_is=set&values=llm_model"
    html = check_page(support_client.get(form_of(support_client, agents.values(), [], query)))
    assert "webhook_url_how" in html and "llm_model_how" in html and "temperature_how" not in html


def test_all_that_match_are_those_of_the_dry_run_and_no_later_ones(support_client, agents):
    answer = support_client.post(
        BULK,
        {
            "action": "ChangeSettings",
            "all": "1",
            "query": "where_setting=llm_model&where_is=is&where_value=gpt-4",
        },
    )
    address = support_client.get(answer.url).url
    later = make_agent(llm_model="gpt-4")
    answer = support_client.post(
        f"{address}&setting=llm_model", {"llm_model_how": "set", "llm_model_value": "gpt-4o"}
    )
    planned = SettingChange.objects.get()
    assert states(planned) == {"column": "ready", "text": "ready"}
    assert confirm(support_client, planned).message.startswith("2 changed")
    assert in_effect(later) == "gpt-4"


def test_many_agents_are_worked_out_by_a_job_and_their_number_is_typed(support_client, agents, monkeypatch):
    monkeypatch.setattr(changing, "AT_ONCE", 2)
    monkeypatch.setattr("agents.questions.forms.TYPED_FROM", 2)
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    html = check_page(support_client.get(planned.get_absolute_url()))
    assert "Do it" not in html and "every 1s" in html
    answer = support_client.post(planned.get_absolute_url(), {"reason": "r", "typed": "6"}, follow=True)
    assert "Its dry run is not finished." in check_page(answer)
    assert done(planned.check_job).message == "Will change: 6, nothing to change: 0, blocked: 0."
    done(planned.check_job)
    assert planned.rows.count() == 6
    html = check_page(support_client.post(planned.get_absolute_url(), {"reason": "r", "typed": "5"}), 422)
    assert "This is not the number: 6." in html and 'value="r"' in html
    assert confirm(support_client, planned, typed="6").message.startswith("6 changed")


def test_confirming_twice_starts_one_job_and_no_row_is_done_twice(support_client, agents):
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    job = confirm(support_client, planned)
    assert confirm(support_client, planned) == job
    Job.objects.filter(pk=job.pk).update(status="queued")
    assert done(job).message.startswith("6 changed")
    found = AuditEvent.objects.filter(
        table_name="agents", row_id=str(agents["column"].pk), action="update", source="app"
    )
    assert found.count() == 1


def test_a_job_that_was_interrupted_goes_on_where_it_stopped(support_client, agents, monkeypatch):
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    real, calls = changing.changed, []

    def killed(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt  # nothing of it is told: as when the worker is killed
        return real(*args)

    monkeypatch.setattr(changing, "changed", killed)
    with pytest.raises(KeyboardInterrupt):
        confirm(support_client, planned)
    planned.refresh_from_db()
    assert planned.outcomes() == {"changed": 2, "skipped": 0, "blocked": 0, "failed": 0, None: 4}
    monkeypatch.setattr(changing, "changed", real)
    Job.objects.filter(pk=planned.job_id).update(touched_at="2026-01-01T00:00:00Z")
    jobs.tidy()
    assert done(planned.job).message == "6 changed, 0 skipped, 0 blocked, 0 failed."
    rows = AuditEvent.objects.filter(
        table_name="agents", source="app", action="update", request_id=str(planned.job_id)
    )
    assert len({event.row_id for event in rows}) == 6


def test_others_see_a_dry_run_and_cannot_confirm_it(support_client, manager_client, agents):
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    html = check_page(manager_client.get(planned.get_absolute_url()))
    assert "Do it" not in html and "It is confirmed by whoever asked for it" in html
    assert manager_client.post(planned.get_absolute_url(), {"reason": "r"}).status_code == 403
    assert (
        manager_client.post(BULK, {"action": "ChangeSettings", "row": [str(agents["flat"].pk)]}).status_code
        == 403
    )
    assert "Change settings" not in check_page(manager_client.get(LIST))


def test_an_account_that_lost_its_right_changes_nothing(support_client, agents):
    planned = dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    support_client.post(planned.get_absolute_url(), {"reason": "r"})
    support_client.user.groups.clear()
    planned.refresh_from_db()
    assert done(planned.job).status == "failed"
    assert not SettingChangeRow.objects.exclude(outcome=None).exists()


def test_a_long_text_is_kept_as_what_differs(support_client, db):
    agent = make_agent(config={"system_prompt": f"{MEGABYTE}Acme{MEGABYTE}"})
    planned = dry_run(support_client, [agent], system_prompt=("replace", "Ajax", "Acme"))
    field = planned.rows.get().fields[0]
    assert re.fullmatch("… x{199}Acmex{200} …", field["before"]), field
    assert "Ajax" in field["after"]
    assert len(check_page(support_client.get(planned.get_absolute_url()))) < 100_000


def test_changes_are_listed(support_client, agents):
    dry_run(support_client, agents.values(), llm_model=("set", "gpt-4.1"))
    html = check_page(support_client.get(reverse("agents:settingchange_list")))
    assert "LLM model set to gpt-4.1" in html and "dry run only" in html
