"""Headers and the SIP log-in: set, replaced, removed, and shown nowhere."""

import pytest
from django.urls import reverse

from agents import secrets
from agents.tests.factories import make_agent
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from tenants.tests.factories import change

HEADERS = {"Authorization": "Bearer hush1", "X-Tenant": "hush2"}
SIP = {
    "enabled": True,
    "username": "desk",
    "password": "hush3",
    "domain": "sip.example.net",
    "port": 5060,
    "codec": "opus",
}


def open_and_post(client, name, agent, **typed):
    """The opened page, and the answer to what is typed into it."""
    url = reverse(f"agents:agent_{name}", args=[agent.pk])
    opened = client.get(url)
    return check_page(opened), client.post(url, form_values(opened) | {"reason": "Ticket 5"} | typed)


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (None, None),
        ({"llm_model": "gpt-4o"}, {"llm_model": "gpt-4o"}),
        ({"custom_headers": {"X-Old": "hush9"}, "k": 1.5}, {"custom_headers": {"X-New": "hush8"}, "k": 1.5}),
        (
            {"custom_headers": {"X": "1"}, "config": {"config": {"custom_headers": {"X-Old": "hush9"}}}},
            {
                "custom_headers": {"X-New": "hush8"},
                "config": {"config": {"custom_headers": {"X-New": "hush8"}}},
            },
        ),
    ],
)
def test_headers_are_set_replaced_and_removed_where_they_are_kept(support, config, after):
    agent = change(make_agent(), config=config, custom_headers=HEADERS)
    seen = secrets.headers_of(agent)
    gone = dict.fromkeys(seen)
    changes = gone | {"X-New": "hush8"}
    secrets.set_headers(agent, actor=support, reason="x", opened=secrets.fingerprint(seen), changes=changes)
    agent.refresh_from_db()
    assert (agent.custom_headers, agent.config) == ({"X-New": "hush8"}, after)


def test_no_value_of_a_header_is_ever_shown(support_client):
    agent = change(make_agent(), custom_headers=HEADERS)
    page, response = open_and_post(
        support_client,
        "headers",
        agent,
        secret_0="hush5",
        do_1="remove",
        new_name_0="X-Api-Key",
        new_secret_0="hush6",
    )
    assert response.status_code == 302 and "Authorization" in page and "X-Tenant" in page
    agent.refresh_from_db()
    assert agent.custom_headers == {"X-Tenant": "hush5", "X-Api-Key": "hush6"}  # JSON keeps them by length
    record = check_page(support_client.get(agent.get_absolute_url()))
    assert "reloads" in record and "X-Api-Key" in record
    event = AuditEvent.objects.of(agent).filter(source="app").get()
    assert event.reason == "Ticket 5" and "Custom headers → X-Tenant" in record
    assert not any("hush" in text for text in (page, record, str(event.changes)))


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"do_0": "replace"}, "secret_0", "Type the new value"),
        ({"do_0": "remove", "secret_0": "hush4"}, "secret_0", "Leave this empty"),
        ({"secret_0": "a\tb"}, "secret_0", "one line"),
        ({"new_name_1": "X-New"}, "new_secret_1", "Type the value"),
        ({"new_secret_1": "hush4"}, "new_name_1", "Type the name"),
        ({"new_name_0": "x-TENANT", "new_secret_0": "hush4"}, "new_name_0", "is set already"),
        ({"new_name_0": "Bad name", "new_secret_0": "hush4"}, "new_name_0", "cannot be the name"),
        ({}, "", "Nothing would change"),
        ({"do_0": "remove", "reason": ""}, "reason", "required"),
    ],
)
def test_a_header_that_cannot_be_set_is_refused(support_client, typed, field, says):
    agent = change(make_agent(), custom_headers=HEADERS)
    _, response = open_and_post(support_client, "headers", agent, **typed)
    page = check_page(response, 422)
    assert says in page and "hush" not in page
    assert not field or f'id="id_{field}_error"' in page
    agent.refresh_from_db()
    assert agent.custom_headers == HEADERS


def test_headers_that_somebody_changed_meanwhile_are_asked_about_again(support_client):
    agent = change(make_agent(), custom_headers=HEADERS)
    url = reverse("agents:agent_headers", args=[agent.pk])
    opened = form_values(support_client.get(url))
    change(agent, custom_headers={"X-Tenant": "hush7"})
    typed = opened | {"do_0": "remove", "new_name_0": "X-New", "new_secret_0": "hush8", "reason": "why"}
    response = support_client.post(url, typed)
    again = form_values(response)
    assert "Somebody changed this" in check_page(response, 422)
    assert (again["do_0"], again["new_name_0"], again["reason"]) == ("keep", "X-New", "why")
    agent.refresh_from_db()
    assert agent.custom_headers == {"X-Tenant": "hush7"}
    assert support_client.post(url, again | {"new_secret_0": "hush8"}).status_code == 302
    agent.refresh_from_db()
    assert agent.custom_headers == {"X-Tenant": "hush7", "X-New": "hush8"}


@pytest.mark.parametrize("value", [["X-Key: hush"], "hush", 7])
def test_headers_of_another_shape_are_left_alone(support_client, value):
    agent = change(make_agent(), custom_headers=value)
    url = reverse("agents:agent_headers", args=[agent.pk])
    page = check_page(support_client.get(url))
    assert "another shape" in page and "hush" not in page
    check_page(support_client.post(url, {"reason": "x", "new_name_0": "A", "new_secret_0": "b"}), 422)
    agent.refresh_from_db()
    assert agent.custom_headers == value


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (None, {"sip": {"username": "new"}}),
        ({}, {"sip": {"username": "new"}}),
        (
            {"model": "gpt-4", "config": {"model": "x"}},
            {"model": "gpt-4", "config": {"model": "x", "sip": {"username": "new"}}},
        ),
        ({"sip": SIP, "n": 0.1}, {"sip": SIP | {"username": "new"}, "n": 0.1}),
        ({"name": "x", "config": {"sip": SIP}}, {"name": "x", "config": {"sip": SIP | {"username": "new"}}}),
        ({"sip": {"username": "old"}, "config": {}}, {"sip": {"username": "new"}, "config": {}}),
    ],
)
def test_a_sip_log_in_is_written_where_the_configuration_keeps_it(support, config, after):
    agent = change(make_agent(), config=config)
    opened = secrets.fingerprint(secrets.sip_of(config))
    secrets.set_sip(agent, actor=support, reason="x", opened=opened, changes={"username": "new"})
    agent.refresh_from_db()
    assert agent.config == after


def test_a_sip_password_is_replaced_and_removed_and_never_shown(support_client):
    agent = change(make_agent(), config={"config": {"sip": SIP}})
    page, response = open_and_post(
        support_client, "sip", agent, password="hush4", port="5061", domain="sip.two.example"
    )
    assert response.status_code == 302 and "Set: keep it" in page and 'value="desk"' in page
    agent.refresh_from_db()
    new = SIP | {"password": "hush4", "port": 5061, "domain": "sip.two.example"}
    assert agent.config == {"config": {"sip": new}}
    record = check_page(support_client.get(agent.get_absolute_url()))
    open_and_post(support_client, "sip", agent, do_password="remove", enabled="false")
    agent.refresh_from_db()
    assert agent.config["config"]["sip"] == {
        **{k: v for k, v in new.items() if k != "password"},
        "enabled": False,
    }
    page, _ = open_and_post(support_client, "sip", agent)
    assert "Password (not set)" in page
    events = str([event.changes for event in AuditEvent.objects.of(agent).filter(source="app")])
    assert not any("hush" in text for text in (page, record, events))


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"port": "0"}, "port"),
        ({"port": "65536"}, "port"),
        ({"port": "5e3"}, "port"),
        ({"domain": "sip:sip.example.net"}, "domain"),
        ({"domain": "sip.example.net:5060"}, "domain"),
        ({"username": "a b"}, "username"),
        ({"do_password": "replace"}, "password"),
    ],
)
def test_a_sip_log_in_is_checked(support_client, typed, field):
    agent = change(make_agent(), config={"sip": SIP})
    _, response = open_and_post(support_client, "sip", agent, **typed)
    assert f'id="id_{field}_error"' in check_page(response, 422)


def test_odd_values_of_a_sip_log_in_stay(support_client):
    odd = {
        "enabled": "yes",
        "username": ["x"],
        "port": "5060",
        "domain": "not a domain",
        "password": {"a": "hush"},
    }
    agent = change(make_agent(), config={"sip": odd})
    page, response = open_and_post(support_client, "sip", agent, password="hush5")
    assert response.status_code == 302 and "hush" not in page
    agent.refresh_from_db()
    assert agent.config == {"sip": odd | {"password": "hush5"}}


@pytest.mark.parametrize("config", [["x"], "text", {"sip": "hush"}, {"sip": ["hush"]}])
def test_a_configuration_of_another_shape_keeps_its_log_in(support_client, config):
    agent = change(make_agent(), config=config)
    url = reverse("agents:agent_sip", args=[agent.pk])
    assert "banner--warn" in check_page(support_client.get(url))
    check_page(support_client.post(url, {"reason": "x", "username": "new"}), 422)
    agent.refresh_from_db()
    assert agent.config == config
