"""A question across all tenants: conditions over what is in effect, values in use, export."""

import re
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import QueryDict
from django.utils.http import urlencode

from agents.models import Agent
from agents.questions.conditions import COMPARISONS, LABELS, Condition, comparisons_of, is_yes_no
from agents.questions.overview import values_in_use
from agents.questions.tables import NOT_OFFERED
from agents.tests.factories import make_agent
from backoffice.export import copy_statement, export_columns
from backoffice.generic.lists import open_list
from backoffice.testing_crud import HOSTILE, check_page, count_queries
from telephony.tests.factories import make_number
from tenants.tests.factories import make_organization

PAGE = "/agents/settings/"


@pytest.fixture
def agents(db):
    """Agents by name, in every shape of configuration."""
    acme = make_organization(name="Acme")
    made = {
        "column": {"llm_model": "gpt-4o", "max_tokens": 100, "enabled_mcp_servers": ["weather"]},
        "flat": {"config": {"llm_model": "gpt-4.1", "temperature": "0.40", "webhook_url": "https://u:p4ss@hooks.acme.test/a"},
                 "llm_model": "gpt-4o", "max_tokens": 900},
        "builder": {"config": {"model": "gemini-pro", "voice": {"name": "Nova"}, "maxReplyTokens": 150}, "voice_id": "Puck"},
        "envelope": {"config": {"config": {"llm_model": "deepseek-chat", "custom_headers": {"Authorization": "Bearer t0ken"}}}},
        "unset": {"llm_model": None, "config": [], "max_tokens": None, "pii_redaction_enabled": True},
    }  # fmt: skip
    return {name: make_agent(acme, name=name, **fields) for name, fields in made.items()}


def found(client, **parameters):
    html = check_page(client.get(PAGE, {"sort": "name", **parameters}))
    return re.findall(r'class="row-link"[^>]*><bdi>([^<]*)<', html)


def where(setting, comparison, value="", part="where"):
    return {f"{part}_setting": setting, f"{part}_is": comparison, f"{part}_value": value}


FOUND = [
    (("llm_model", "is", "gpt-4o"), ["column"]),
    (("llm_model", "not", "gpt-4o"), ["builder", "envelope", "flat", "unset"]),
    (("llm_model", "begins", "GPT"), ["column", "flat"]),
    (("llm_model", "contains", "seek"), ["envelope"]),
    (("llm_model", "empty"), ["unset"]),
    (("llm_model", "drifts"), ["builder", "envelope", "flat"]),
    (("llm_model", "unserved"), ["envelope"]),
    (("any", "unserved"), ["envelope"]),
    (("any", "drifts"), ["builder", "envelope", "flat"]),
    (("max_tokens", "less", "151"), ["builder", "column"]),
    (("max_tokens", "greater", "150"), ["envelope", "flat"]),
    (("max_tokens", "is", "150.0"), ["builder"]),
    (("max_tokens", "empty"), ["unset"]),
    (("temperature", "is", "0.4"), ["flat"]),
    (("voice_id", "is", "Nova"), ["builder"]),
    (("webhook_host", "is", "Hooks.acme.test"), ["flat"]),
    (("webhook_url", "contains", "p4ss"), []),
    (("enabled_mcp_servers", "contains", "weather"), ["column"]),
    (("custom_headers", "contains", "authorization"), ["envelope"]),
    (("custom_headers", "contains", "Bearer t0ken"), []),
    (("custom_headers", "set"), ["envelope"]),
    (("pii_redaction_enabled", "is", "yes"), ["unset"]),
]


def test_a_condition_finds_what_is_in_effect(agents):
    for condition, names in FOUND:
        found = Agent.objects.filter(Condition(*condition).expression()).order_by("name")
        assert (condition, [agent.name for agent in found]) == (condition, names)


def test_the_page_shows_what_the_condition_finds(support_client, agents):
    assert found(support_client, **where("llm_model", "begins", "GPT")) == ["column", "flat"]
    assert found(support_client, **where("custom_headers", "contains", "Bearer t0ken")) == []


def test_conditions_are_combined_and_each_is_a_chip(support_client, agents):
    both = where("llm_model", "begins", "gpt") | where("max_tokens", "greater", "500", part="and_")
    assert found(support_client, **both) == ["flat"]
    html = check_page(support_client.get(PAGE, both))
    assert "Where: LLM model begins with gpt" in html and "and: Max tokens is greater than 500" in html
    chips = re.findall(r'class="chip" href="([^"]*)"', html)
    assert any("and__setting" not in chip and "where_setting" in chip for chip in chips), (
        "it takes its parts off"
    )
    assert "Ignored" not in html


def test_every_setting_answers_to_each_of_its_comparisons(support_client, agents):
    for setting in LABELS:
        for comparison in COMPARISONS:
            value = "yes" if is_yes_no(setting) else "1"
            if comparison in comparisons_of(setting):
                assert Agent.objects.filter(
                    Condition(setting, comparison, value).expression()
                ).count() <= len(agents)
            else:
                with pytest.raises(ValidationError, match="has no"):
                    Condition(setting, comparison, value)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (where("max_tokens", "contains", "1"), "“Max tokens” has no “contains”. Choose one of"),
        (where("max_tokens", "less", "many"), "Enter a number."),
        (where("pii_redaction_enabled", "is", "maybe"), "Say yes or no."),
        (where("llm_model", "is"), "Say a value, or choose “is not set”."),
        (where("", "is", "gpt"), "Choose the setting whose value this is."),
        (where("nonsense", "is", "gpt"), "Select a valid choice"),
    ],
    ids=["comparison", "number", "yes-no", "value", "setting", "unknown"],
)
def test_what_cannot_be_asked_is_said_beside_the_condition_and_kept(support_client, agents, condition, said):
    html = check_page(support_client.get(PAGE, condition))
    assert said in html and html.count('class="row-link"') == len(agents)
    assert not condition["where_value"] or f'value="{condition["where_value"]}"' in html


def test_hostile_values_are_asked_for_without_harm(support_client, agents):
    for value in (HOSTILE, "\0", "%s $1 \\", "1e999999"):
        question = where("system_prompt", "contains", value)
        question |= where("max_tokens", "is", value, part="and_") | where(
            "custom_headers", "contains", value, part="and_also"
        )
        check_page(support_client.get(PAGE, question))
    check_page(support_client.get(PAGE, {"where_setting": HOSTILE, "where_is": HOSTILE, "values": HOSTILE}))


def test_a_value_has_its_source_and_what_the_column_holds(support_client, agents):
    make_number(agent=agents["builder"], organization=agents["builder"].organization)
    html = check_page(support_client.get(PAGE, where("voice_id", "is", "Nova")))
    assert (
        "<bdi>Nova</bdi>" in html
        and "configuration, voice.name; copies differ, the column: <bdi>Puck</bdi>" in html
    )
    assert f"?agent={agents['builder'].pk}" in html


def test_what_cannot_be_served_shows_all_that_it_may_be(support_client, agents):
    html = check_page(support_client.get(PAGE, where("any", "unserved")))
    labels = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)', html)
    assert {"LLM model", "Voice provider", "Voice", "Speech-to-text provider"} <= set(labels)
    assert "<bdi>deepseek-chat</bdi>" in html


def test_no_page_shows_a_secret(support_client, agents):
    for values in ("webhook_url", "custom_headers"):
        columns = ",".join(set(LABELS) - set(NOT_OFFERED))
        question = where("system_prompt", "empty") | where("webhook_url", "empty", part="and_")
        check_page(support_client.get(PAGE, question))
        html = check_page(support_client.get(PAGE, {"columns": columns, "values": values}))
        assert "hooks.acme.test" in html and "Authorization" in html
        assert "p4ss" not in html and "t0ken" not in html


def test_the_values_in_use_are_counted_and_open_their_rows(support_client, agents):
    make_agent(llm_model="gpt-4o")
    html = check_page(support_client.get(PAGE, {"values": "llm_model"}))
    card = html[html.index("values in use") : html.index("</section>")]
    lines = re.findall(
        r'<td data-label="Value">(?:<a href="([^"]*)">)?.*?<td[^>]*class="num">(\d+)</td>', card, re.S
    )
    assert [int(count) for _, count in lines] == [2, 1, 1, 1, 1]
    for address, count in lines:
        assert len(found(support_client, **query_of(address))) == int(count)


def test_every_line_of_the_overview_opens_as_many_rows_as_it_says(agents):
    make_agent(
        system_prompt="x" * 500, temperature="0.4", webhook_url="https://[JSON", pii_redaction_enabled=None
    )
    for setting in ("enabled_mcp_servers", "custom_headers", "webhook_host", "pii_redaction_enabled", "temperature",
                    "system_prompt", "backchannel_words"):  # fmt: skip
        values, others, _ = values_in_use(Agent.objects.all(), setting)
        assert values and not others
        for value in values:
            condition = Condition(setting, *value.condition)
            assert Agent.objects.filter(condition.expression()).count() == value.count, condition


def query_of(address):
    return QueryDict(unescape(address).lstrip("?")).dict()


def test_the_same_queries_for_few_and_for_many(support_client, agents):
    address = f"{PAGE}?where_setting=llm_model&where_is=begins&where_value=g&values=llm_model"
    few = count_queries(support_client, address)
    for n in range(30):
        make_agent(name=f"more {n}", config={"model": "gpt-4o"})
    assert len(count_queries(support_client, address)) == len(few)


def test_a_file_holds_the_columns_of_the_question_and_no_text_that_is_not_for_files(support, agents):
    question = where("webhook_url", "set") | where("webhook_host", "set", part="and_")
    page = open_list("agents:question_list", support, urlencode(question))
    columns, left_out = export_columns(page)
    labels = ["Agent", "Organization", "Webhook host", "Published", "Numbers"]
    assert [column.label for column, _ in columns] == labels
    assert [column.label for column in left_out] == ["Webhook URL"]
    with connection.cursor() as cursor, cursor.cursor.copy(copy_statement(page, columns, guard=True)) as rows:
        assert b"".join(rows).decode() == "flat,Acme,hooks.acme.test,false,0\n"


class TestListOfAgents:
    """The plain list goes by what is in effect, too."""

    @pytest.fixture
    def agent(self, db):
        config = {
            "config": {"model": "claude-3-opus", "voice_provider": "openai", "stt_provider": "deepgram"}
        }
        return make_agent(
            name="Night desk", llm_model="gpt-4o-mini", voice_provider="elevenlabs", config=config
        )

    def found(self, client, **query):
        return list(client.get("/agents/agents/", query).context["rows"])

    def test_shows_it_and_that_copies_differ(self, support_client, agent):
        html = check_page(support_client.get("/agents/agents/"))
        assert "<bdi>claude-3-opus</bdi>" in html and "copies differ" in html
        assert "<bdi>openai</bdi>" in html

    @pytest.mark.parametrize(
        ("name", "value", "is_found"),
        [
            ("llm_model", "claude-3-opus", True),
            ("llm_model", "gpt-4o-mini", False),
            ("voice_provider", "openai", True),
            ("voice_provider", "elevenlabs", False),
            ("stt_provider", "deepgram", True),
            ("stt_provider", "whisper", False),
            ("stt_provider", "null", False),
        ],
    )
    def test_filters_by_it(self, support_client, agent, name, value, is_found):
        assert (self.found(support_client, **{name: value}) == [agent]) is is_found

    def test_exports_it(self, support, agent):
        page = open_list("agents:agent_list", support, "columns=name,llm_model,temperature")
        columns, _ = export_columns(page)
        with (
            connection.cursor() as cursor,
            cursor.cursor.copy(copy_statement(page, columns, guard=True)) as rows,
        ):
            content = b"".join(bytes(row) for row in rows).decode()
        assert "Night desk,claude-3-opus,0.7" in content
