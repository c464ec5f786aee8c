"""The configuration as JSON: placeholders for secrets, faults by path, a diff before it is saved."""

import json

import pytest
from django.db import connection
from django.urls import reverse

from agents import raw
from agents.effective import effective
from agents.models import Agent
from agents.tests.factories import make_agent
from backoffice import services
from backoffice.models import AuditEvent
from backoffice.testing import platform
from backoffice.testing_crud import check_page, form_values
from tenants.tests.factories import change

CONFIG = {
    "llm_model": "gpt-4o",
    "temperature": 0.4,
    "custom_headers": {"Authorization": "hush1"},
    "sip": {"username": "desk", "password": "hush2", "port": 5060},
    "hooks": [
        {"url": "https://u:hush3@h.example/?x=1", "n": 1},
        {"url": "https://u:hush4@h.example/", "n": 2},
    ],
    "theme": {"mode": "dark", "customCss": "<script>alert(1)</script>"},
    "mood": "odd",
}


def address(agent):
    return reverse("agents:agent_json", args=[agent.pk])


def typed(config):
    """The text of the page, as an object."""
    return json.loads(raw.text_of(config))


class Editor:
    """Opens the page, looks at the changes, saves: as a person would."""

    def __init__(self, client, agent):
        self.client, self.agent = client, agent
        self.form = form_values(client.get(address(agent)))

    def look(self, config, status=200, **more):
        text = config if isinstance(config, str) else json.dumps(config)
        response = self.client.post(address(self.agent), self.form | {"text": text} | more)
        self.form = form_values(response)
        return check_page(response, status)

    def save(self, reason="Ticket 3", **more):
        response = self.client.post(address(self.agent), self.form | {"reason": reason, "save": "1"} | more)
        self.agent.refresh_from_db()
        if response.status_code != 302:
            self.form = form_values(response)
        return response


def test_a_change_is_shown_then_saved_with_its_columns_and_every_secret_kept(support_client):
    agent = change(make_agent(), config=CONFIG, llm_model="gpt-4", temperature="0.70")
    page = check_page(support_client.get(address(agent)))
    assert "hush" not in page and "[secret]" in page and "<script>alert" not in page
    new = typed(CONFIG) | {"llm_model": "gpt-4.1", "newKey": {"a": [1.5]}}
    del new["mood"]
    editor = Editor(support_client, agent)
    page = editor.look(new)
    assert "config → llm_model" in page and "taken away" in page and "not there" in page
    assert "Columns brought in step: LLM model." in page and "config → newKey.a" in page
    assert "Copies still differ afterwards: temperature" in page and "hush" not in page
    agent.refresh_from_db()
    assert agent.config == CONFIG
    assert editor.save().status_code == 302
    assert agent.config == {k: v for k, v in CONFIG.items() if k != "mood"} | {
        "llm_model": "gpt-4.1", "newKey": {"a": [1.5]},
    }  # fmt: skip
    assert agent.llm_model == "gpt-4.1" and not effective(agent)["llm_model"].drifts
    event = AuditEvent.objects.of(agent).filter(source="app").get()
    assert event.reason == "Ticket 3" and "hush" not in str(event.changes)
    assert "reloads the agent" in check_page(support_client.get(agent.get_absolute_url()))


def test_secrets_are_replaced_and_removed(support_client):
    agent = change(make_agent(), config=CONFIG)
    new = typed(CONFIG)
    new["sip"]["password"] = "fresh1"
    new["custom_headers"] = {}
    editor = Editor(support_client, agent)
    page = editor.look(new)
    assert "[secret, changed]" in page and "hush" not in page
    assert "fresh1" not in page[page.index('id="changes"') : page.index("<textarea")]
    editor.save()
    assert agent.config == CONFIG | {"sip": CONFIG["sip"] | {"password": "fresh1"}, "custom_headers": {}}


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (lambda new: new.update(other="[secret]"), "config → other"),
        (lambda new: new.update(envelope={"sip": new.pop("sip")}), "config → envelope.sip.password"),
        (lambda new: new["sip"].update(token="[secret]"), "config → sip.token"),
        (lambda new: new["hooks"].pop(0), "config → hooks.0.url"),
        (lambda new: new["hooks"].reverse(), "config → hooks.0.url"),
        (lambda new: new["hooks"][0].update(url="https://u:[secret]@evil.example/"), "config → hooks.0.url"),
    ],
    ids=["elsewhere", "moved", "new-key", "item-removed", "items-moved", "other-host"],
)
def test_a_placeholder_stands_only_where_the_secret_is_stored(support_client, edit, path):
    agent = change(make_agent(), config=CONFIG)
    new = typed(CONFIG)
    edit(new)
    page = Editor(support_client, agent).look(new, 422)
    assert f"{path}: No secret is stored at this place" in page and "hush" not in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Write {} for an empty"),
        ('{"a": 1,\n "b": }', "Line 2, column 7"),
        ("[1]", "has to be an object"),
        ("null", "has to be an object"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "“c” stands twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1e999}', "1e999 is no number"),
        ('{"a": ' + "9" * 5000 + "}", "is no number"),
        ('{"a": ' + "[" * 101 + "]" * 101 + "}", "more than 100 levels"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "more than 100 levels"),
        ('{"a": "' + "x" * 1_500_000 + '"}', "1,500,000 are possible"),
        ('{"a": "\\u0000"}', "config → a: It holds a character"),
        ('{"a": "\\ud800"}', "config → a: It holds a character"),
        ('{"temperature": 3}', "config → temperature: Choose a value from 0 to 2"),
        ('{"model": "llama"}', "config → model: The runtime knows models"),
        ('{"voice": {"speed": "fast", "pitch": 9}}', "config → voice.pitch: It must be from 0.5 to 2"),
        (
            '{"config": {"voice": {"enabled": 1}}}',
            "config → config → voice.enabled: It must be true or false",
        ),
        ('{"sip": "x"}', "config → sip: It must be an object"),
        ('{"sip": {"port": 70000}}', "config → sip.port: It must be from 1 to 65535"),
        ('{"theme": {"mode": "blue"}}', "config → theme.mode: It must be one of light, dark"),
        ('{"voice_provider": "openai", "voice_id": "Puck"}', "config → voice_id: OpenAI speaks only"),
        ('{"config": ' * 12 + "{}" + "}" * 12, "more than 9 envelopes"),
        ("{}", "Nothing would change"),
    ],
    ids=range(23),
)
def test_what_is_wrong_is_said_by_place_and_nothing_typed_is_lost(support_client, text, says):
    agent = change(make_agent(), config={})
    editor = Editor(support_client, agent)
    page = editor.look(text, 422, reason="why")
    assert says in page.replace("&quot;", '"')
    assert (editor.form["text"], editor.form["reason"]) == (text.replace("\n", "\r\n"), "why")


def test_older_faults_stay_and_do_not_stand_in_the_way(support):
    odd = {"temperature": 9, "llm_model": "llama", "sip": {"port": "x"}, "theme": 7, "voice": "Nova"}
    agent = change(make_agent(), config=odd)
    raw.save_config(agent, actor=support, reason="x", opened=raw.version_of(agent), typed=odd | {"a": None})
    agent.refresh_from_db()
    assert agent.config == odd | {"a": None}


def test_numbers_that_were_not_touched_keep_all_their_digits(support):
    agent = make_agent()
    text = '{"n": 0.12345678901234567890123, "big": 123456789012345678901234567890.5, "a": {"b": 1}}'
    with platform(), connection.cursor() as cursor:
        cursor.execute("update agents set config = %s where id = %s", [text, agent.pk])
    agent.refresh_from_db()
    new = agent.config | {"a": {"b": 2, "c": None}}
    raw.save_config(agent, actor=support, reason="x", opened=raw.version_of(agent), typed=new)
    with connection.cursor() as cursor:
        cursor.execute("select config::text from agents where id = %s", [agent.pk])
        stored = cursor.fetchone()[0]
    assert "0.12345678901234567890123" in stored and '"c": null' in stored


def test_many_changes_are_written_at_once(support):
    agent = change(make_agent(), config={"sip": {"password": "hush"}})
    new = {"sip": {"password": "[secret]"}} | {f"k{n}": n for n in range(300)}
    raw.save_config(agent, actor=support, reason="x", opened=raw.version_of(agent), typed=new)
    agent.refresh_from_db()
    assert len(agent.config) == 301 and agent.config["sip"] == {"password": "hush"}


@pytest.mark.parametrize("stored", [None, ["hush"], "hush", 7])
def test_what_is_no_object_is_hidden_and_replaced_as_a_whole(support_client, stored):
    agent = change(make_agent(), config=stored)
    page = check_page(support_client.get(address(agent)))
    assert "hush" not in page and ("replaces it as a whole" in page) == (stored is not None)
    editor = Editor(support_client, agent)
    editor.look({"llm_model": "gpt-4.1"})
    assert editor.save().status_code == 302
    assert agent.config == {"llm_model": "gpt-4.1"}


def test_what_somebody_wrote_meanwhile_is_shown_and_not_overwritten(support_client):
    agent = change(make_agent(), config=CONFIG)
    editor = Editor(support_client, agent)
    mine = typed(CONFIG) | {"mood": "mine"}
    editor.look(mine)
    change(agent, config=CONFIG | {"temperature": 1.5})
    page = check_page(editor.save(), 409)
    assert "while you were editing" in page and "config → temperature" in page and "config → mood" in page
    assert agent.config == CONFIG | {"temperature": 1.5}
    editor.form["text"] = json.dumps(mine | {"temperature": 1.5})
    assert editor.save().status_code == 200  # other changes than those that were looked at: shown first
    assert editor.save().status_code == 302
    assert agent.config == CONFIG | {"temperature": 1.5, "mood": "mine"}


def test_a_write_between_the_look_and_the_save_is_a_conflict(support):
    agent = change(make_agent(), config={"a": 1})
    opened = raw.version_of(agent)
    change(agent, config={"a": 2})
    with pytest.raises(services.Conflict):
        raw.save_config(agent, actor=support, reason="x", opened=opened, typed={"a": 3})


def test_what_was_not_looked_at_is_not_saved(support_client):
    agent = change(make_agent(), config=CONFIG)
    editor = Editor(support_client, agent)
    editor.look(typed(CONFIG) | {"mood": "mine"})
    response = editor.save(text=json.dumps(typed(CONFIG) | {"mood": "another"}))
    assert "another" in check_page(response) and agent.config == CONFIG
    assert 'id="id_reason_error"' in check_page(editor.save(reason=""), 422)


def test_a_setting_that_is_taken_out_is_left_to_its_column(support_client):
    agent = change(make_agent(), config={"llm_model": "gpt-4o"}, llm_model="gpt-4")
    assert "Left to their columns: LLM model" in Editor(support_client, agent).look({})


def test_a_configuration_nested_beyond_reading_and_a_large_one(support_client):
    agent = make_agent()
    for text in (
        "[" * 5000 + "]" * 5000,
        '{"a": ' + "[" * 900 + "]" * 900 + "}",
        json.dumps({"p": "x" * 1_000_000}),
    ):
        with platform(), connection.cursor() as cursor:
            cursor.execute("update agents set config = %s where id = %s", [text, agent.pk])
        check_page(support_client.get(address(agent)))
        check_page(support_client.get(agent.get_absolute_url()))
    editor = Editor(support_client, agent)
    assert len(editor.look({"p": "x" * 500_000 + "y" + "x" * 500_000})) < 1_200_000
    editor.save()
    assert Agent.objects.get(pk=agent.pk).config == {"p": "x" * 500_000 + "y" + "x" * 500_000}
