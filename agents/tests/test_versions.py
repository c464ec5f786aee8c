"""Versions of an agent: the history tells what was in effect, and any version is put back exactly, secrets as they are."""

import json

import pytest
from django.db import connection
from django.urls import reverse

from agents.models import Agent
from agents.tests.factories import make_agent
from agents.versions import rows
from agents.versions.restore import Moved, preview, restore_version
from agents.versions.secrets import put_together
from backoffice.models import AuditEvent
from backoffice.testing import platform
from backoffice.testing_crud import HOSTILE, MEGABYTE, check_page, count_queries, form_values
from tenants.tests.factories import change

FLAT = {
    "llm_model": "gpt-4o",
    "temperature": 0.4,
    "sip": {"password": "s3cret", "username": "u1"},
    "theme": {"mode": "dark"},
}
BUILDER = {
    "id": "agent_7",
    "model": "gemini-pro",
    "systemInstruction": "Be brief",
    "voice": {"name": "Nova", "token": "tk-9"},
}
SHAPES = {
    "flat": FLAT,
    "builder": BUILDER,
    "merged": BUILDER | FLAT,
    "envelope": {"theme": {}, "config": BUILDER | FLAT},
    "twice": {"config": {"config": FLAT}},
    "empty": {},
    "none": None,
}
SECRETS = ("s3cret", "tk-9")


def url(page, agent, *args):
    return reverse(f"agents:agent_{page}", args=[agent.pk, *args])


def keys(agent):
    """Of all versions, oldest first."""
    return list(rows.events_of(agent).order_by("id").values_list("pk", flat=True))


def stored(agent):
    """The whole row as the database spells it, secrets and digits and all, but for its times."""
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "select (to_jsonb(a) - 'updated_at')::text from public.agents a where id = %s", [agent.pk]
        )
        return cursor.fetchone()[0]


def restore(agent, key, actor):
    found = preview(agent, rows.version_of(agent, key), rows.stored_row(agent.pk))
    return restore_version(agent, actor=actor, reason="Asked", key=key, seen=found.seen)


class TestHistory:
    def test_what_was_in_effect_is_told_with_where_it_was_written(self, support_client):
        agent = change(make_agent(), config=BUILDER)
        change(agent, config=BUILDER | {"model": "gpt-4.1"}, llm_model="gpt-4.1")
        response = support_client.get(url("history", agent))
        html = check_page(response)
        assert "LLM model" in html and "gemini-pro" in html and "gpt-4.1" in html
        assert [bool(entry["restore_url"]) for entry in response.context["entries"]] == [False, True, True]
        assert "the column, config → model" in html

    def test_a_change_of_any_age_can_be_undone(self, support_client, finance_client):
        agent = make_agent()
        for temperature in range(12):
            change(agent, temperature=temperature / 10)
        entries = support_client.get(url("history", agent)).context["entries"]
        undone = [entry["undo_url"] for entry in entries]
        assert not undone[0] and all(undone[1:12])
        assert undone[11] == reverse("backoffice:auditevent_revert", args=[entries[11]["event"].pk])
        check_page(support_client.get(undone[11]))
        assert not any(
            entry["undo_url"] for entry in finance_client.get(url("history", agent)).context["entries"]
        )

    def test_prompts_are_told_line_by_line(self, support_client):
        lines = [f"Rule {n}" for n in range(30)]
        agent = make_agent(system_prompt="\n".join(lines))
        lines[15] = "Rule 15, but kindly"
        change(agent, system_prompt="\n".join(lines))
        html = check_page(support_client.get(url("history", agent)))
        assert '<ins class="lines__line">Rule 15<strong>, but kindly</strong></ins>' in html
        assert "… 13 more lines …" in html and "Rule 13<" in html and "Rule 12<" not in html

    def test_what_has_no_effect_is_folded(self, support_client):
        agent = change(make_agent(), config=FLAT)
        change(agent, llm_model="gpt-3")
        html = check_page(support_client.get(url("history", agent)))
        assert "Nothing that is in effect was changed." in html and "LLM model (the column)" in html

    def test_a_replaced_secret_is_said_and_no_secret_is_shown(self, support_client):
        agent = change(make_agent(), config=FLAT, custom_headers={"X": "hd-1"})
        change(
            agent,
            config=FLAT | {"sip": {"password": "other-2", "username": "u1"}},
            custom_headers={"X": "hd-3"},
        )
        key = keys(agent)[-1]
        for page in (
            url("history", agent),
            url("version", agent, key),
            url("version", agent, keys(agent)[1]),
        ):
            html = check_page(support_client.get(page))
            assert html.count("a secret, replaced by another") == 2
            assert not any(secret in html for secret in ("s3cret", "other-2", "hd-1", "hd-3"))

    def test_who_when_why_and_from_where(self, support_client):
        agent = make_agent()
        edit = reverse("agents:agent_edit", args=[agent.pk])
        support_client.post(
            edit, form_values(support_client.get(edit)) | {"description": "New", "reason": "Ticket 4"}
        )
        html = check_page(support_client.get(url("history", agent)))
        assert "Ticket 4" in html and str(support_client.user) in html
        assert "outside the back office" in html  # its creation
        assert "begins with the creation" in html

    def test_pages_by_key_with_the_same_queries(self, support_client):
        agent = make_agent()
        few = count_queries(support_client, url("history", agent))
        for n in range(40):
            change(agent, description=f"No. {n}")
        assert len(count_queries(support_client, url("history", agent))) == len(few)
        seen, address = [], url("history", agent)
        while address:
            response = support_client.get(address)
            seen += [entry["event"].pk for entry in response.context["entries"]]
            for entry in response.context["entries"][:-1]:
                assert entry["difference"].settings[0].name == "description"
            address = response.context["next_url"] and url("history", agent) + response.context["next_url"]
        assert seen == keys(agent)[::-1] and len(seen) == 41

    def test_an_older_page_tells_what_was_changed_then(self, support_client):
        agent = make_agent()
        for n in range(20):
            change(agent, description=f"No. {n}")
        first = support_client.get(url("history", agent))
        html = check_page(support_client.get(url("history", agent) + first.context["next_url"]))
        assert "No. 3" in html and "No. 19" not in html

    def test_an_agent_older_than_the_audit_has_a_beginning(self, support_client, support, owner):
        owner("alter table public.agents disable trigger audit_record")
        agent = make_agent(system_prompt="Long ago")
        owner("alter table public.agents enable trigger audit_record")
        change(agent, system_prompt="Now")
        html = check_page(support_client.get(url("history", agent)))
        assert "what was changed before is not on record" in html and url("version", agent, 0) in html
        assert "Long ago" in check_page(support_client.get(url("version", agent, 0)))
        restore(agent, 0, support)
        agent.refresh_from_db()
        assert agent.system_prompt == "Long ago"

    def test_an_agent_without_a_change_on_record(self, support_client, owner):
        owner("alter table public.agents disable trigger audit_record")
        agent = make_agent()
        assert "No change on record" in check_page(support_client.get(url("history", agent)))

    @pytest.mark.parametrize("place", ["x", "WzFd", "WyJhIiwgIjEiXQ"])
    def test_a_place_that_does_not_exist_leads_to_the_beginning(self, support_client, place):
        assert support_client.get(url("history", make_agent()), {"after": place}).status_code == 302


class TestVersion:
    def test_all_settings_as_they_were(self, support_client):
        agent = change(make_agent(), config=BUILDER, system_prompt="Column")
        change(agent, config=BUILDER | {"systemInstruction": "Later"})
        change(agent, config=FLAT)
        html = check_page(support_client.get(url("version", agent, keys(agent)[1])))
        assert "Be brief" in html and "gemini-pro" in html and "Simple builder" not in html
        assert "Configuration: simple builder" in html

    @pytest.mark.parametrize("version", [0, 1, 99999999, 10**18, 10**30])
    def test_a_version_that_is_none_is_404(self, support_client, version):
        agent, other = make_agent(), make_agent()
        for page in ("version", "restore"):
            check_page(support_client.get(url(page, agent, version)), 404)
            check_page(support_client.get(url(page, agent, keys(other)[0])), 404)


class TestRestore:
    @pytest.mark.parametrize("after", ["flat", "envelope", "none"])
    @pytest.mark.parametrize("before", SHAPES)
    def test_there_and_back_again_is_exact(self, support, before, after):
        agent = change(make_agent(), config=SHAPES[before], temperature="0.40", custom_headers={"X": "hd"})
        change(agent, config=SHAPES[after], temperature=None, name="Other", system_prompt="New")
        first, second = keys(agent)[-2:]
        was = stored(agent)
        restore(agent, first, support)
        assert rows.stored_row(agent.pk)["temperature"] == 0.4
        between = stored(agent)
        restore(agent, second, support)
        assert json.loads(stored(agent)) == json.loads(was)
        restore(agent, first, support)
        assert stored(agent) == between

    def test_without_secrets_in_the_way_the_row_is_the_same_to_the_last_digit(self, support, owner):
        agent = make_agent()
        config = '{"a": 1.10, "b": 12345678901234567890.123, "model": "gpt-4o", "n": null, "t": 1e400}'
        owner(
            "update public.agents set config = %s::jsonb, temperature = 'NaN' where id = %s",
            [config, agent.pk],
        )
        was = stored(agent)
        change(agent, config=None, temperature="0.5")
        restore(agent, keys(agent)[-2], support)
        assert stored(agent) == was

    def test_secrets_stay_as_they_are_now(self, support, support_client):
        agent = change(make_agent(), config=FLAT, custom_headers={"Old": "hd-1", "Both": "hd-2"})
        change(
            agent,
            config={"llm_model": "gpt-4.1", "sip": {"password": "new-pw"}, "api_key": "new-key"},
            custom_headers={"Both": "hd-3", "New": "hd-4"},
        )
        page = check_page(support_client.get(url("restore", agent, keys(agent)[1])))
        assert (
            "config → sip.password" in page and "config → api_key" in page and "custom_headers → Old" in page
        )
        assert not any(
            text in page for text in ("s3cret", "new-pw", "new-key", "hd-1", "hd-2", "hd-3", "hd-4")
        )
        restore(agent, keys(agent)[1], support)
        agent.refresh_from_db()
        assert agent.config == FLAT | {"sip": {"password": "new-pw", "username": "u1"}, "api_key": "new-key"}
        assert agent.custom_headers == {"Both": "hd-3", "New": "hd-4"}
        assert not AuditEvent.objects.filter(new__icontains="new-pw").exists()

    def test_a_secret_follows_its_key_into_and_out_of_an_envelope(self, support):
        agent = change(make_agent(), config=FLAT)
        change(agent, config={"name": "x", "config": {"sip": {"password": "new-pw"}, "model": "gpt-4.1"}})
        restore(agent, keys(agent)[-2], support)
        agent.refresh_from_db()
        assert agent.config == FLAT | {"sip": {"password": "new-pw", "username": "u1"}}

    def test_a_list_with_secrets_stays_whole(self, support):
        tools = [{"url": "https://a.example", "token": "t1"}, {"url": "https://b.example", "token": "t2"}]
        agent = change(make_agent(), config={"tools": tools, "x": 1})
        change(agent, config={"tools": tools[1:], "x": 2})
        restore(agent, keys(agent)[-2], support)
        agent.refresh_from_db()
        assert agent.config == {"tools": tools[1:], "x": 1}

    def test_the_page_restores_with_a_reason_that_names_the_version(self, support_client):
        agent = change(make_agent(), system_prompt="First")
        change(agent, system_prompt="Second")
        key = keys(agent)[-2]
        page = url("restore", agent, key)
        data = form_values(support_client.get(page))
        check_page(support_client.post(page, data | {"reason": " "}), 422)
        html = check_page(support_client.post(page, data | {"reason": "Ticket 9"}, follow=True))
        agent.refresh_from_db()
        assert agent.system_prompt == "First"
        event = AuditEvent.objects.of(agent).first()
        assert event.actor == str(support_client.user)
        assert event.reason.startswith(f"Restored as after change {key} of ") and event.reason.endswith(
            ": Ticket 9"
        )
        undo = html.split('action="/agents/agents/')[1].split('"')[0]
        assert support_client.post(f"/agents/agents/{undo}").status_code == 302
        agent.refresh_from_db()
        assert agent.system_prompt == "Second"

    def test_what_was_changed_meanwhile_is_shown_and_not_overwritten(self, support_client, support):
        agent = change(make_agent(), system_prompt="First")
        change(agent, system_prompt="Second")
        key = keys(agent)[-2]
        page = url("restore", agent, key)
        data = form_values(support_client.get(page)) | {"reason": "Mine"}
        change(agent, system_prompt="Theirs")
        response = support_client.post(page, data)
        html = check_page(response, 409)
        agent.refresh_from_db()
        assert (
            agent.system_prompt == "Theirs" and "Theirs" in html and form_values(response)["reason"] == "Mine"
        )
        assert support_client.post(page, form_values(response)).status_code == 302
        agent.refresh_from_db()
        assert agent.system_prompt == "First"

    def test_undo_is_refused_once_something_else_was_changed(self, support_client):
        agent = change(make_agent(), system_prompt="First")
        change(agent, system_prompt="Second")
        change(agent, description="Other")
        check_page(support_client.post(url("restore", agent, keys(agent)[-3])), 409)
        agent.refresh_from_db()
        assert agent.system_prompt == "Second"

    def test_what_the_runtime_cannot_serve_is_said(self, support_client):
        agent = change(make_agent(), llm_model="llama-3")
        change(agent, llm_model="gpt-4o")
        html = check_page(support_client.get(url("restore", agent, keys(agent)[-2])))
        assert "cannot serve this version" in html and "llama-3" in html

    def test_publishing_and_the_organization_are_not_restored(self, support, support_client):
        agent = change(make_agent(), description="First", is_published=False)
        change(agent, description="Second", is_published=True, version=4)
        page = check_page(support_client.get(url("restore", agent, keys(agent)[-2])))
        assert "whether it is published" in page
        restore(agent, keys(agent)[-2], support)
        agent.refresh_from_db()
        assert (agent.description, agent.is_published, agent.version) == ("First", True, 4)

    def test_the_version_that_is_stored_changes_nothing(self, support_client):
        agent = change(make_agent(), description="x")
        page = url("restore", agent, keys(agent)[-1])
        assert "stored already" in check_page(support_client.get(page))
        check_page(support_client.post(page, {"seen": "x", "reason": "r"}), 409)

    def test_a_service_refuses_what_it_was_not_shown(self, support):
        agent = change(make_agent(), description="First")
        change(agent, description="Second")
        with pytest.raises(Moved):
            restore_version(agent, actor=support, reason="r", key=keys(agent)[-2], seen="something else")

    @pytest.mark.parametrize(
        ("then", "now", "value", "stays", "lost"),
        [
            ({"a": 1}, {"a": 2}, {"a": 1}, [], []),
            ({}, {"k": "[secret]"}, {"k": "[secret]"}, [("k",)], []),
            ({"k": "[secret]"}, {}, {}, [], [("k",)]),
            ({"k": "[secret]"}, {"k": ""}, {"k": ""}, [("k",)], []),
            ({"o": {"k": "[secret]"}}, {"o": 1}, {"o": 1}, [("o",)], []),
            (None, {"o": {"k": "[secret]", "x": 1}}, {"o": {"k": "[secret]"}}, [("o", "k")], []),
            ([1], {"o": {"k": "[secret]"}}, {"o": {"k": "[secret]"}}, [()], []),
            ({"u": "https://x/?token=[secret]"}, {"u": "https://y/"}, {"u": "https://y/"}, [("u",)], []),
            ({"say": "Never say [secret]."}, {"say": "x"}, {"say": "Never say [secret]."}, [], []),
        ],
        ids=str,
    )
    def test_how_a_configuration_is_put_together(self, then, now, value, stays, lost):
        plan = put_together("config", then, now)
        assert (plan.value, plan.stays, plan.lost) == (value, stays, lost)


ODD = {
    "megabyte": {"system_prompt": MEGABYTE, "config": {"a": MEGABYTE, "tools": [MEGABYTE]}},
    "lines": {"system_prompt": "\n".join(str(n) for n in range(100_000))},
    "script": {"name": HOSTILE, "config": {HOSTILE: {"<b>": HOSTILE}, "model": ["<i>"], "voice": "x"}},
    "types": {"config": {"llm_provider": {"a": 1}, "temperature": "warm", "stt_mode": [1], "name": 7}},
    "list": {"config": ["a", {"b": "c"}]},
    "text": {"config": '{"api_key": "sk-1"}'},
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_rows_are_shown_compared_and_restored(support_client, support, odd):
    agent = change(make_agent(), config=FLAT, system_prompt="Before")
    change(agent, **ODD[odd])
    change(agent, config={"system_prompt": "After"}, description="After")
    for key in keys(agent):
        check_page(support_client.get(url("version", agent, key)))
        check_page(support_client.get(url("restore", agent, key)))
    page = check_page(support_client.get(url("history", agent)))
    assert len(page) < 400_000 and "sk-1" not in page and "<script>alert" not in page
    check_page(
        support_client.get(
            reverse("agents:agent_compare"), {"a": f"{agent.pk}@{keys(agent)[-2]}", "b": agent.pk}
        )
    )
    restore(agent, keys(agent)[-2], support)


@pytest.mark.parametrize("depth", [40, 500, 5000])
def test_json_nested_very_deeply_is_shown(support_client, owner, depth):
    agent = make_agent()
    deep = '{"a":' * depth + "1" + "}" * depth
    owner("update public.agents set config = %s::jsonb where id = %s", [deep, agent.pk])
    change(Agent.objects.defer("config").get(pk=agent.pk), description="x")
    for page in (
        url("history", agent),
        url("version", agent, keys(agent)[0]),
        url("restore", agent, keys(agent)[0]),
    ):
        check_page(support_client.get(page))


class TestCard:
    def test_the_agents_page_tells_what_was_in_effect(self, support_client):
        agent = make_agent(system_prompt="Be brief.\nBe kind.\n" + "More.\n" * 3000)
        change(agent, config=FLAT)
        change(agent, config=FLAT | {"llm_model": "gpt-4.1", "sip": {"password": "pw-2", "username": "u1"}})
        change(agent, system_prompt="Be brief.\nBe <b>funny</b>.\n" + "More.\n" * 3000)
        html = check_page(support_client.get(agent.get_absolute_url()))
        card = html[html.index('id="history"') :]
        assert "LLM model" in card and "gpt-4.1" in card and "a secret" in card and "pw-2" not in card
        assert "Be <strong>kind</strong>." in card and "&lt;" in card and len(card) < 30_000
        assert url("history", agent) in card

    def test_the_newest_change_is_undone_with_keys_that_are_no_settings(self, support_client):
        agent = change(make_agent(), config=FLAT)
        edit = reverse("agents:agent_edit", args=[agent.pk])
        support_client.post(edit, form_values(support_client.get(edit)) | {"temperature": "0.9"})
        change(agent, config=FLAT | {"temperature": 0.1, "theme": {"mode": "light"}})
        html = check_page(support_client.get(agent.get_absolute_url()))
        undo = url("restore", agent, keys(agent)[-2])
        assert undo in html
        data = form_values(support_client.get(undo)) | {"reason": "Wrong"}
        assert support_client.post(undo, data).status_code == 302
        agent.refresh_from_db()
        assert agent.config == FLAT | {"temperature": 0.9}

    def test_those_who_only_look_are_offered_no_undo(self, manager_client):
        agent = change(make_agent(), config=FLAT)
        assert "/restore/" not in check_page(manager_client.get(agent.get_absolute_url()))
