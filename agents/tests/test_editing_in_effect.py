"""Editing what is in effect: the form shows it, a change is written to the column and to the configuration."""

from decimal import Decimal

import pytest
from django.urls import reverse

from agents.effective import effective
from agents.tests.factories import make_agent
from backoffice import reverts, services
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from tenants.tests.factories import change

FLAT = {"system_prompt": "In effect", "temperature": 0.4, "unknown": {"kept": [1]}}
BUILDER = {
    "systemInstruction": "In effect",
    "voice": {"name": "Nova", "speed": 1.5},
    "sip": {"password": "s3cret"},
}


def edit(agent):
    return reverse("agents:agent_edit", args=[agent.pk])


def save(client, agent, **typed):
    return client.post(edit(agent), {**form_values(client.get(edit(agent))), **typed})


def prompt_of(agent):
    agent.refresh_from_db()
    return effective(agent)["system_prompt"].value, agent.system_prompt


@pytest.mark.parametrize(
    "config", [FLAT, BUILDER, BUILDER | FLAT, {"config": BUILDER, "name": "x"}, {"config": {"config": FLAT}}]
)
def test_a_prompt_is_changed_where_it_counts(support_client, config):
    agent = change(make_agent(), config=config, system_prompt=None)
    assert form_values(support_client.get(edit(agent)))["system_prompt"] == "In effect"
    assert save(support_client, agent, system_prompt="New").status_code == 302
    assert prompt_of(agent) == ("New", "New")
    assert not effective(agent)["system_prompt"].drifts


def test_nothing_else_is_touched(support_client):
    agent = change(make_agent(), config=FLAT | BUILDER, temperature="0.70")
    save(support_client, agent, system_prompt="New")
    agent.refresh_from_db()
    assert agent.config == FLAT | BUILDER | {"system_prompt": "New", "systemInstruction": "New"}
    assert agent.temperature == Decimal("0.70")  # drifts as before


def test_saving_without_a_change_writes_nothing(support_client):
    agent = change(make_agent(), config=FLAT, system_prompt=None)
    save(support_client, agent)
    assert prompt_of(agent) == ("In effect", None)
    assert not AuditEvent.objects.of(agent).filter(source="app").exists()


def test_a_setting_can_be_emptied(support_client):
    agent = change(make_agent(), config=BUILDER | FLAT, system_prompt="Column")
    save(support_client, agent, system_prompt="")
    assert prompt_of(agent) == (None, None)


def test_without_a_configuration_only_the_column_is_written(support_client):
    agent = change(make_agent(), config={"other": 1}, system_prompt="Column")
    save(support_client, agent, system_prompt="New")
    assert prompt_of(agent) == ("New", "New")
    assert agent.config == {"other": 1}


@pytest.mark.parametrize("value", ["warm", 11, True, [0.5], {"a": 1}, "1e400"])
def test_what_no_column_can_hold_leaves_the_form_as_it_is(support_client, value):
    agent = change(make_agent(), config={"temperature": value}, temperature="0.70")
    assert form_values(support_client.get(edit(agent)))["temperature"] == "0.70"
    assert "config → temperature" in check_page(support_client.get(agent.get_absolute_url()))
    save(support_client, agent, temperature="0.9")
    agent.refresh_from_db()
    assert (agent.config, agent.temperature) == ({"temperature": 0.9}, Decimal("0.90"))


def test_the_second_of_two_people_is_asked_though_the_column_did_not_change(support_client):
    agent = change(make_agent(), config=FLAT, system_prompt=None)
    opened = form_values(support_client.get(edit(agent)))
    change(agent, config=FLAT | {"system_prompt": "Theirs"})
    response = support_client.post(edit(agent), opened | {"system_prompt": "Mine"})
    page = check_page(response, 409)
    assert "Theirs" in page and "Mine" in page and "In effect" in page
    assert prompt_of(agent) == ("Theirs", None)


def test_undo_brings_back_what_was_in_effect_though_the_audit_keeps_no_secrets(support_client):
    agent = change(make_agent(), config=BUILDER, system_prompt=None)
    save(support_client, agent, system_prompt="New", reason="Ticket 1")
    event, earlier = AuditEvent.objects.of(agent).filter(source="app")
    assert (event.reason, earlier.changes) == ("Ticket 1", {"system_prompt": [None, "In effect"]})
    assert "in step" in earlier.reason
    url = reverse("backoffice:auditevent_revert", args=[event.pk])
    response = support_client.post(url, form_values(support_client.get(url)) | {"reason": "wrong"})
    assert response.status_code == 302
    assert prompt_of(agent) == ("In effect", "In effect")
    assert agent.config == BUILDER


def test_undo_asks_where_the_configuration_alone_was_changed_since(support_client):
    agent = change(make_agent(), config=BUILDER, system_prompt="In effect")
    save(support_client, agent, system_prompt="New")
    event = AuditEvent.objects.of(agent).filter(source="app").first()
    agent.refresh_from_db()
    change(agent, config=agent.config | {"systemInstruction": "Theirs"})
    page = check_page(support_client.get(reverse("backoffice:auditevent_revert", args=[event.pk])))
    assert "Theirs" in page and "s3cret" not in page
    with pytest.raises(reverts.Differs):
        reverts.revert(event, actor=support_client.user, reason="x")
    assert prompt_of(agent)[0] == "Theirs"


def test_undo_of_one_setting_leaves_later_ones(support_client):
    agent = change(make_agent(), config=FLAT, system_prompt="In effect", temperature="0.40")
    save(support_client, agent, system_prompt="New")
    event = AuditEvent.objects.of(agent).filter(source="app").first()
    save(support_client, agent, temperature="0.9")
    assert reverts.revert(event, actor=support_client.user, reason="x") == ["system_prompt"]
    agent.refresh_from_db()
    assert agent.config == FLAT | {"temperature": 0.9}


def test_in_place(support_client):
    agent = change(make_agent(), config=FLAT, system_prompt=None)
    url = reverse("inline_edit", args=["agents.agent", agent.pk, "system_prompt"])
    assert form_values(support_client.get(url))["system_prompt"] == "In effect"
    response = support_client.post(
        url, form_values(support_client.get(url)) | {"system_prompt": "New"}, headers={"HX-Request": "true"}
    )
    assert "New" in response.text
    assert prompt_of(agent) == ("New", "New")


def test_the_page_says_what_counts(support_client):
    agent = change(
        make_agent(),
        config={
            "model": "llama-3",
            "sttProvider": "x",
            "voice_provider": "azure",
            "webhook_url": "https://u:p4ss@h.example",
        },
        llm_model="gpt-4o",
    )
    page = check_page(support_client.get(agent.get_absolute_url()))
    assert "does not know the model “llama-3”" in page
    assert "cannot speak with the provider “azure”" in page
    assert "3 settings differ" in page
    assert "config → model" in page and "drift" in page and "llama-3" in page
    assert "p4ss" not in page


def test_a_write_that_is_no_form_keeps_both_in_step(support):
    agent = change(make_agent(), config=FLAT, system_prompt="Old")
    agent.system_prompt = "New"
    services.save(
        agent,
        actor=support,
        reason="x",
        opened=services.snapshot(agent, []) | {"system_prompt": '"Old"'},
    )
    assert prompt_of(agent) == ("New", "New")
