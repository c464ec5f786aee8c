"""Addresses out of rows: what becomes a link or is played, and what stays text."""

from uuid import UUID

import pytest
from django.urls import NoReverseMatch, clear_script_prefix, reverse, set_script_prefix

from backoffice.addresses import fixed_address, keeping_prefix, row_address
from backoffice.recordings import is_playable
from backoffice.templatetags.ui import linked, web_link
from backoffice.testing_crud import check_page
from telephony.tests.factories import make_call
from tenants.tests.factories import make_note, make_organization

NO_ADDRESSES = [
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "https:evil.example",
    "ftp://evil.example",
    "blob:https://evil.example/x",
]


@pytest.mark.parametrize("address", NO_ADDRESSES, ids=ascii)
def test_what_is_no_web_address_is_no_link(address):
    assert "href" not in str(web_link(address, "Ticket"))
    assert 'href="java' not in str(linked(f"See {address}")).lower()


@pytest.mark.parametrize(
    "address", ['https://x.example/"onclick="alert(1)', "https://x.example/<script>"], ids=ascii
)
def test_a_link_stays_within_its_quotes(address):
    for html in (str(web_link(address, address)), str(linked(address))):
        assert "<script" not in html and '"onclick=' not in html
        assert html.count('rel="noopener noreferrer nofollow"') == 1


@pytest.mark.parametrize("address", [
    *NO_ADDRESSES, "https://media.example.evil.example/x", "https://media.example@evil.example/x", "/\\evil.example",
    "///evil.example", "/\t/evil.example", "https://evil.example/https://media.example/", "HTTPS://media.example/x",
], ids=ascii)  # fmt: skip
def test_a_recording_is_played_from_our_own_hosts_alone(settings, address):
    settings.MEDIA_HOSTS = ["https://media.example"]
    assert not is_playable(address)
    assert is_playable("https://media.example/a.wav") and is_playable("/demo/audio/x.wav")


def test_a_recording_splits_no_header(settings, support_client):
    settings.MEDIA_HOSTS = ["https://media.example"]
    call = make_call(recording_url="https://media.example/a\r\nSet-Cookie: x=1")
    response = support_client.get(f"/telephony/calls/{call.pk}/recording/")
    assert response.status_code in (302, 404)
    assert "\n" not in response.headers.get("Location", "") and "x" not in response.cookies


def test_hostile_addresses_in_rows_are_text_on_pages(support_client, support):
    tenant = make_organization()
    note = make_note(
        tenant, support, text="javascript:alert(1) https://ok.example/a", ticket="javascript:alert(1)"
    )
    call = make_call(recording_url="javascript:alert(1)")
    for page in (
        note.get_absolute_url(),
        "/tenants/notes/",
        f"{tenant.get_absolute_url()}notes/",
        call.get_absolute_url(),
    ):
        html = check_page(support_client.get(page))
        assert 'href="javascript' not in html and 'src="javascript' not in html


def test_addresses_that_are_put_together_are_those_of_reverse():
    for name, key in [
        ("tenants:organization_detail", UUID(int=7)), ("tenants:organization_edit", UUID(int=0)), ("backoffice:auditevent_detail", 0),
        ("backoffice:auditevent_detail", 12), ("backoffice:auditevent_revert", 3), ("list_export", "tenants:note_list"),
    ]:  # fmt: skip
        assert row_address(name, key) == reverse(name, args=[key])
    assert fixed_address("home") == "/" and fixed_address("pick", "tenants.note") == reverse(
        "pick", args=["tenants.note"]
    )
    for name, key in [
        ("job_detail", -1),
        ("job_detail", "x"),
        ("no_such_page", 1),
    ]:
        with pytest.raises(NoReverseMatch):
            row_address(name, key)


def test_addresses_follow_what_the_site_begins_with():
    set_script_prefix("/office/")
    try:
        assert fixed_address("home") == "/office/"
        assert row_address("backoffice:auditevent_detail", 5) == "/office/audit/changes/5/"
    finally:
        clear_script_prefix()
    assert fixed_address("home") == "/"


CHANGE = "backoffice:auditevent_detail"


def test_a_request_asks_once_what_the_site_begins_with():
    with keeping_prefix():
        set_script_prefix("/office/")
        try:
            assert fixed_address("home") == "/" and row_address(CHANGE, 5) == "/audit/changes/5/"
        finally:
            clear_script_prefix()
    set_script_prefix("/office/")
    try:
        with keeping_prefix():
            assert fixed_address("home") == "/office/"
    finally:
        clear_script_prefix()
