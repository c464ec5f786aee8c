"""The web side keeps no state: one person works while two servers take turns in answering, and one of them is killed."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.urls import reverse

from agents.tests.factories import make_message, make_session
from backoffice import testing
from backoffice.models import Job, ReadLog, SavedView, User
from backoffice.settings import BASE_DIR
from backoffice.testing_servers import Person, RoundRobin, kill
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number
from tenants.models import UserProfile
from tenants.tests.factories import change, make_profile

MAIL, PASSWORD = "support@example.test", "a password for two servers"
NUMBERS = "telephony:phonenumber_list"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def database(fresh_database):
    with fresh_database.django():
        user = testing.make_user("support", email=MAIL)
        # As the servers hash it, and not as the suite does.
        hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
        User.objects.filter(pk=user.pk).update(password=hashed)
        yield fresh_database


@pytest.fixture
def servers(database, tmp_path):
    """(proxy, the two servers by port); jobs put their files into one folder."""
    shared = {"JOB_FILES_DIR": str(tmp_path)}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with (
        testing.served(database, folders[0], **shared) as (one, first),
        testing.served(database, folders[1], **shared) as (two, second),
    ):
        proxy = RoundRobin(one, two)
        yield proxy, {one: first, two: second}
        proxy.close()


def work(database, folder):
    """Does what is queued, as the worker."""
    environment = {**os.environ, **testing.SERVER, "DATABASE_URL": database.url, "JOB_FILES_DIR": str(folder)}
    command = [sys.executable, "manage.py", "worker", "--once"]
    subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, check=True, timeout=60)


def test_one_person_works_on_two_servers_and_one_of_them_is_killed(database, servers, tmp_path):
    proxy, processes = servers
    with database.platform():
        profile = make_profile(full_name="Before")
        numbers = [make_number(e164=f"+4420794600{n:02}") for n in range(4)]
        conversation = make_session()
        make_message(conversation, content="Mail me at jane.doe@example.com")
    person = Person(f"http://localhost:{proxy.port}")
    assert person.sign_in(MAIL, PASSWORD).url.endswith("/")

    edit = reverse("tenants:userprofile_edit", args=[profile.pk])
    opened = person.get(edit)
    with database.platform():
        change(profile, full_name="Theirs")
    conflict = person.fill(edit, opened, full_name="Mine")
    assert conflict.status_code == 409 and "Theirs" in conflict.text
    assert person.fill(edit, conflict, keep_full_name="mine").status_code == 200
    assert UserProfile.objects.get(pk=profile.pk).full_name == "Mine"

    inline = reverse("inline_edit", args=["tenants.userprofile", profile.pk, "company_name"])
    form = person.get(inline, **HTMX)
    assert "<html" not in form.text
    assert person.fill(inline, form, company_name="In place").status_code == 200
    assert UserProfile.objects.get(pk=profile.pk).company_name == "In place"

    address = reverse(NUMBERS)
    fragment = person.get(f"{address}?sort=number", **HTMX)
    assert (
        fragment.status_code == 200 and "<html" not in fragment.text and str(numbers[0].pk) in fragment.text
    )
    view = person.fill(reverse("view_add", args=[NUMBERS]) + "?status=active", name="Active ones")
    assert SavedView.objects.get().name == "Active ones" and "Active ones" in view.text
    assert all("Active ones" in person.get(address).text for _ in processes)

    rows = [str(number.pk) for number in numbers[:2]]
    confirm = person.post(
        reverse("list_bulk", args=[NUMBERS]), action="PhoneNumberRelease", row=rows, query=""
    )
    job = person.fill(confirm.url, confirm, reason="Contract ended")
    assert urlsplit(job.url).path == Job.objects.get(kind="bulk").get_absolute_url()
    export = person.post(reverse("list_export", args=[NUMBERS]), query="status=active", format="csv")
    assert export.status_code == 200

    reveal = reverse("agents:agentsession_reveal", args=[conversation.pk])
    assert "jane.doe" not in person.get(conversation.get_absolute_url()).text
    assert "jane.doe@example.com" in person.fill(reveal, reason="Complaint 12").text
    assert all("jane.doe@example.com" in person.get(conversation.get_absolute_url()).text for _ in processes)
    assert ReadLog.objects.filter(kind="reveal").count() == 1

    one, two = processes
    kill(processes[one].pid)
    before = proxy.served[two]

    work(database, tmp_path)
    assert PhoneNumber.objects.filter(status="released").count() == 2
    assert ">Succeeded</span>" in person.get(job.url).text
    result = person.get(f"{urlsplit(export.url).path}result/")
    assert (
        result.status_code == 200
        and b"+442079460003" in result.content
        and b"+442079460001" not in result.content
    )

    assert "jane.doe@example.com" in person.get(conversation.get_absolute_url()).text

    session = [cookie for cookie in person.cookies if "session" in cookie.name]
    person.fill(reverse("account_logout"))
    for cookie in session:
        person.keep(cookie.name, cookie.value)
    assert "/accounts/login/" in person.get(address).url
    assert min(proxy.served.values()) >= 8 and proxy.served[two] > before
