"""The conflict page: three readable values, a question only where both changed a field, nothing typed lost."""

import pytest
from django.urls import reverse

from agents.models import Agent
from agents.tests.factories import make_agent
from backoffice.display import differences
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number
from tenants.tests.factories import change, make_profile


def url(obj):
    return reverse(f"{obj._meta.app_label}:{obj._meta.model_name}_edit", args=[obj.pk])


def conflict(client, obj, mine, theirs):
    """Opens the form, lets somebody else write `theirs`, sends `mine`; gives the conflict page."""
    data = {**form_values(client.get(url(obj))), **mine}
    change(obj, **theirs)
    response = client.post(url(obj), data)
    check_page(response, 409)
    return response


def kinds(response):
    return {row["name"]: row["kind"] for row in response.context["rows"]}


def test_only_fields_that_both_changed_are_asked_about(support_client):
    profile = make_profile(full_name="A", company_name="B", phone_number="1")
    response = conflict(
        support_client,
        profile,
        {"full_name": "Mine", "company_name": "Agreed", "avatar_url": "https://me.example/"},
        {"full_name": "Theirs", "company_name": "Agreed", "phone_number": "2"},
    )
    assert kinds(response) == {
        "full_name": "both",
        "company_name": "same",
        "avatar_url": "mine",
        "phone_number": "theirs",
    }
    data = form_values(response)
    assert "keep_full_name" not in data
    assert support_client.post(url(profile), {**data, "keep_full_name": "mine"}).status_code == 302
    profile.refresh_from_db()
    assert (profile.full_name, profile.phone_number, profile.company_name) == ("Mine", "2", "Agreed")
    assert set(AuditEvent.objects.of(profile).first().new) == {"full_name", "avatar_url"}


def test_different_fields_are_saved_beside_each_other_after_a_look(support_client):
    profile = make_profile(full_name="A", company_name="B")
    response = conflict(support_client, profile, {"full_name": "Mine"}, {"company_name": "Theirs"})
    assert not response.context["asks"] and "Save mine beside theirs" in response.content.decode()
    assert support_client.post(url(profile), form_values(response)).status_code == 302
    profile.refresh_from_db()
    assert (profile.full_name, profile.company_name) == ("Mine", "Theirs")


def test_an_unanswered_question_is_asked_again(support_client):
    profile = make_profile(full_name="A")
    response = conflict(support_client, profile, {"full_name": "Mine"}, {"full_name": "Theirs"})
    again = support_client.post(url(profile), form_values(response))
    check_page(again, 409)
    assert kinds(again) == {"full_name": "both"}
    third = support_client.post(url(profile), form_values(again))
    assert kinds(third) == {"full_name": "both"}
    profile.refresh_from_db()
    assert profile.full_name == "Theirs"


def test_reason_can_still_be_edited_and_who_and_why_are_those_of_the_field(support_client):
    profile = make_profile(full_name="A")
    response = conflict(
        support_client, profile, {"full_name": "Mine", "reason": "Typed"}, {"full_name": "Theirs"}
    )
    change(profile, phone_number="77")
    response = support_client.post(url(profile), form_values(response))
    html = check_page(response, 409)
    assert kinds(response) == {"full_name": "both", "phone_number": "theirs"}
    assert response.context["event"].new == {"phone_number": "77"}

    assert form_values(response)["reason"] == "Typed" and 'id="id_reason"' in html
    data = {**form_values(response), "keep_full_name": "mine", "reason": "Typed again"}
    assert support_client.post(url(profile), data).status_code == 302
    event = AuditEvent.objects.of(profile).first()
    assert (event.reason, set(event.new)) == ("Typed again", {"full_name"})


def test_back_to_the_form_keeps_mine_takes_theirs_and_can_be_saved(support_client):
    profile = make_profile(full_name="A", company_name="B")
    response = conflict(
        support_client,
        profile,
        {"full_name": "Mine", "reason": "Typed"},
        {"full_name": "Theirs", "company_name": "New"},
    )
    form = support_client.post(url(profile), {**form_values(response), "_edit": "1"})
    check_page(form)
    data = form_values(form)
    assert (data["full_name"], data["company_name"], data["reason"]) == ("Mine", "New", "Typed")
    assert support_client.post(url(profile), {**data, "full_name": "Merged"}).status_code == 302
    profile.refresh_from_db()
    assert (profile.full_name, profile.company_name) == ("Merged", "New")


def test_related_rows_stand_there_by_name_and_the_choice_of_a_picker_is_kept(support_client):
    number = make_number()
    first, second, third = (make_agent(number.organization, name=name) for name in ("Anna", "Bert", "Cleo"))
    change(number, agent_id=first.pk)
    response = conflict(support_client, number, {"agent": str(second.pk)}, {"agent_id": third.pk})
    html = check_page(response, 409)
    assert all(name in html for name in ("Anna", "Bert", "Cleo"))
    form = support_client.post(url(number), {**form_values(response), "_edit": "1"})
    assert form_values(form)["agent"] == str(second.pk)
    support_client.post(url(number), {**form_values(response), "keep_agent": "mine"})
    assert PhoneNumber.objects.get(pk=number.pk).agent_id == second.pk


def test_lists_booleans_and_choices_are_readable_and_kept(support_client):
    agent = make_agent(boosted_keywords=["one"], enable_backchannel=None, ambient_sound="cafe")
    response = conflict(
        support_client,
        agent,
        {"boosted_keywords": "one\r\ntwo", "enable_backchannel": "false", "ambient_sound": "nature"},
        {"boosted_keywords": ["three"], "enable_backchannel": True, "ambient_sound": "a sound of theirs"},
    )
    rows = {row["name"]: row for row in response.context["rows"]}
    assert (rows["boosted_keywords"]["opened"], rows["boosted_keywords"]["mine"]) == ("one", "one\ntwo")
    assert (rows["enable_backchannel"]["current"], rows["enable_backchannel"]["mine"]) == (True, False)
    assert (rows["ambient_sound"]["opened"], rows["ambient_sound"]["current"]) == (
        "Café",
        "a sound of theirs",
    )
    choice = {f"keep_{name}": "mine" for name in rows}
    assert support_client.post(url(agent), {**form_values(response), **choice}).status_code == 302
    stored = Agent.objects.get(pk=agent.pk)
    assert (stored.boosted_keywords, stored.enable_backchannel, stored.ambient_sound) == (
        ["one", "two"],
        False,
        "nature",
    )


def test_of_a_long_text_the_differences_are_marked(support_client):
    text = "You are a friendly agent of a shop. " * 20
    agent = make_agent(system_prompt=text)
    response = conflict(
        support_client,
        agent,
        {"system_prompt": f"{text}<b>Be brief.</b>"},
        {"system_prompt": text.replace("friendly", "formal", 1)},
    )
    html = check_page(response, 409)
    assert "<del>friendly</del><ins>formal</ins>" in html and "as it was" in html
    assert "&lt;" in html and "<b>Be brief" not in html


@pytest.mark.parametrize(
    ("old", "new"), [("a", "b"), ("", "x" * 100), (None, "x" * 100), (1, 2), ("x " * 20_000, "y " * 20_000)]
)
def test_short_and_huge_values_are_shown_as_they_are(old, new):
    assert differences(old, new) is new
