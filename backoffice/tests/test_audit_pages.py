"""Changes and readings as pages: what narrows them, what an entry tells, whose history and activity one may see."""

import json

import pytest
from django.urls import reverse

from agents.tests.factories import make_agent, make_session
from backoffice import jobs, services
from backoffice.audit import history_url
from backoffice.audit_filters import AuditEventFilter, ReadLogFilter
from backoffice.models import AuditEvent, Job, ReadLog, SignIn
from backoffice.testing import make_user
from backoffice.testing_crud import check_page, client_of, count_queries
from telephony.services import set_trunk_password
from telephony.tests.factories import make_number, make_trunk
from tenants.models import Organization
from tenants.tests.factories import change, make_organization

CHANGES, READINGS = "/audit/changes/", "/audit/readings/"


def edit(obj, actor, reason="r", **fields):
    """An edit in the back office; gives its entry."""
    obj = type(obj).objects.get(pk=obj.pk)
    for name, value in fields.items():
        setattr(obj, name, value)
    services.save(obj, actor=actor, reason=reason)
    return AuditEvent.objects.of(obj).first()


def ids(response):
    return [row.pk for row in response.context["rows"]]


def write(owner, **values):
    """An entry as it may stand there, whatever it says; gives its id."""
    row = {
        "table_name": "agents", "row_id": "x", "row_label": "x", "action": "update", "actor": "someone",
        "db_role": "postgres", "source": "outside", **values,
    }  # fmt: skip
    names = ", ".join(row)
    marks = ", ".join(["%s"] * len(row))
    return owner(f"insert into audit.event ({names}) values ({marks}) returning id", list(row.values()))[0][0]


@pytest.fixture
def three(support, manager):
    """Three edits by two people, and one from outside."""
    agent, number = make_agent(name="Reception"), make_number()
    other = make_organization(name="Grünwald GmbH")
    found = {
        "agent": edit(agent, support, "Ticket 4711: shorter", name="Front desk"),
        "number": edit(number, manager, "Moved to sales", status="released"),
        "tenant": edit(other, support, "Ticket 4712", name="Grünwald AG"),
    }
    change(agent, description="from outside")
    found["outside"] = AuditEvent.objects.of(agent).first()
    return found


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("by=support", ["tenant", "agent"]),
            ("by=Manager", ["number"]),
            ("table_name=agents", ["outside", "agent"]),
            ("source=outside&field=description", ["outside"]),
            ("field=Status", ["number"]),
            ("field=name", ["tenant", "agent"]),
            ("reason=ticket", ["tenant", "agent"]),
            ("reason=TICK+4711", ["agent"]),
            ("reason=grünwald", []),
            ("q=grünw+ag", ["tenant"]),
            ("q=moved", ["number"]),
            ("by=nobody+such", []),
            ("reason=%27+%26+%5C+%7C+%28", []),
        ],
    )
    def test_each_finds_its_entries_and_no_other(self, manager_client, three, query, expected):
        response = manager_client.get(f"{CHANGES}?{query}&action=update")
        check_page(response)
        assert ids(response) == [three[name].pk for name in expected]

    def test_a_record_a_tenant_a_batch_and_a_period(self, manager_client, three):
        agent = three["agent"]
        for query in (
            f"record={agent.row_id}&by=support",
            f"q={agent.row_id}&by=support",
            f"organization={agent.organization_id}&by=support",
            f"q={agent.pk}",
        ):
            assert ids(manager_client.get(f"{CHANGES}?{query}")) == [agent.pk], query
        assert ids(manager_client.get(f"{CHANGES}?batch={agent.request_id or '-'}&by=x")) == []
        assert ids(manager_client.get(f"{CHANGES}?until=2020-01-01")) == []
        assert agent.pk in ids(manager_client.get(f"{CHANGES}?since=2020-01-01"))

    def test_many_and_few_matches_are_found_alike(self, manager_client, owner):
        """Where much matches, the list is read in its order; where little does, by the index of words."""
        for n in range(30):
            write(owner, reason="common words", new='{"speed": 1}', old='{"speed": 0}', row_id=str(n))
        rare = write(owner, reason="uncommon", new='{"voice": 1}', old='{"voice": 0}')
        for query, count in (
            ("reason=common", 30),
            ("field=speed", 30),
            ("q=common", 30),
            ("reason=uncomm", 1),
        ):
            assert len(ids(manager_client.get(f"{CHANGES}?{query}"))) == count, query
        assert ids(manager_client.get(f"{CHANGES}?field=voice")) == [rare]

    def test_where_much_matches_only_the_newest_are_looked_at_and_that_is_said(
        self, manager_client, owner, monkeypatch
    ):
        monkeypatch.setattr("backoffice.audit_reading.LOOKED_AT", 10)
        found = [
            write(owner, reason="common", row_id=str(n), at=f"2099-01-01 10:{n:02}+00") for n in range(30)
        ]
        response = manager_client.get(f"{CHANGES}?reason=common")
        assert "were looked at" in check_page(response) and ids(response) == found[:-12:-1]
        response = manager_client.get(f"{CHANGES}?action=update&source=app")
        assert "were looked at" in check_page(response) and ids(response) == []
        response = manager_client.get(f"{CHANGES}?reason=common&source=outside&record=3")
        assert "were looked at" not in check_page(response) and ids(response) == [found[3]]
        response = manager_client.get(f"{CHANGES}?source=outside")
        assert "were looked at" not in check_page(response) and set(ids(response)) >= set(found)

    def test_a_list_shows_before_and_after_short(self, manager_client, support):
        entry = edit(make_agent(), support, description="<script>alert(1)</script>" * 500)
        page = check_page(manager_client.get(f"{CHANGES}?record={entry.row_id}&action=update"))
        assert "&lt;script&gt;" in page and "<script>alert" not in page
        assert page.count("&lt;script&gt;") < 8

    @pytest.mark.parametrize("value", ["%'\\", "\0", "&|!():*", "null", "1" * 40, "é" * 5000])
    def test_any_value_is_answered(self, manager_client, three, value):
        for address, view in ((CHANGES, AuditEventFilter), (READINGS, ReadLogFilter)):
            names = ["q", *view.base_filters]
            check_page(manager_client.get(address, dict.fromkeys(names, value)))

    def test_paging_visits_every_entry_once(self, manager_client, owner):
        found = {
            write(owner, row_id=str(n), table_name="paged", at="2026-01-01 10:00+00") for n in range(120)
        }
        url, seen = f"{CHANGES}?table_name=paged", []
        while url:
            response = manager_client.get(url)
            seen += ids(response)
            url = response.context["next_url"] and CHANGES + response.context["next_url"]
        assert seen == sorted(found, reverse=True)

    def test_shipped_views_open(self, manager_client):
        for here in (CHANGES, READINGS):
            for link in manager_client.get(here).context["shortcuts"]:
                check_page(manager_client.get(link["url"]))

    def test_a_list_costs_the_same_for_one_row_and_for_many(self, manager_client, owner, support):
        write(owner, row_id="first")
        few = count_queries(manager_client, CHANGES)
        for n in range(40):
            write(owner, row_id=str(n), new=json.dumps({"organization_id": str(n)}))
        assert len(count_queries(manager_client, CHANGES)) == len(few)
        services.log_read("reveal", make_session(make_agent()), actor=support)
        few = count_queries(manager_client, READINGS)
        for _ in range(20):
            session = make_session(make_agent())
            services.log_read("reveal", session, actor=support, organization_id=session.agent.organization_id)
        assert len(count_queries(manager_client, READINGS)) == len(few)


class TestEntry:
    def page(self, client, entry):
        return check_page(client.get(f"{CHANGES}{getattr(entry, 'pk', entry)}/"))

    def test_tells_who_when_why_from_where_and_what(self, manager_client, support):
        number = make_number()
        page = self.page(manager_client, edit(number, support, "Asked for", status="released"))
        assert reverse("backoffice:person_activity", args=[support.pk]) in page
        for text in ("Asked for", "the back office", "Status", "Active", "Released", str(number.pk)):
            assert text in page
        assert history_url(number) in page and f'href="{number.get_absolute_url()}"' in page

    def test_related_records_by_name_and_units(self, manager_client, support):
        agent = make_agent(name="Night line")
        number = make_number(organization=agent.organization)
        page = self.page(manager_client, edit(number, support, agent=agent))
        assert "Night line" in page
        page = self.page(manager_client, edit(agent, support, max_duration_seconds=77))
        assert "77" in page and "Longest call (s)" in page

    def test_json_by_path_and_a_long_text_by_lines(self, manager_client, support):
        agent = make_agent(config={"voice": {"speed": 1, "name": "Ada"}}, system_prompt="One\nTwo\nThree")
        page = self.page(manager_client, edit(agent, support, config={"voice": {"speed": 2, "name": "Ada"}}))
        assert "voice → speed" in page and "Ada" not in page.split("Before and after")[1].split("<aside")[0]
        page = self.page(manager_client, edit(agent, support, system_prompt="One\nTwo, too\nThree"))
        assert "lines__line" in page and "<strong>, too</strong>" in page

    def test_secrets_are_nowhere(self, manager_client, support):
        trunk = make_trunk()
        set_trunk_password(trunk, password="hunter2hunter2", actor=support, reason="New")
        page = self.page(manager_client, AuditEvent.objects.of(trunk).first())
        assert "secret" in page and "hunter2" not in page
        agent = make_agent()
        entry = edit(agent, support, custom_headers={"Authorization": "Bearer abcdef"})
        assert "abcdef" not in self.page(manager_client, entry)

    def test_what_was_said_is_masked_for_everybody(self, manager_client, admin_client, owner):
        new = json.dumps({"text": "She is anna@example.com, call +44 20 7946 0123"})
        entry = write(owner, table_name="backoffice.agents_reviewnote", old="{}", new=new)
        for client in (manager_client, admin_client):
            page = self.page(client, entry)
            assert "anna@example.com" not in page and "7946" not in page and "[email]" in page
        assert "anna@example" not in check_page(manager_client.get(f"{CHANGES}?q={entry}"))

    @pytest.mark.parametrize(
        "new",
        [
            '{"a": "<script>alert(1)</script>", "b": "NaN", "c": null, "": {"": []}}',
            '{"config": ' + '{"a":' * 400 + "1" + "}" * 401,
            '{"config": ' + "[" * 5000 + "]" * 5000 + "}",
            json.dumps({"system_prompt": "x " * 500_000}),
            json.dumps({"config": {str(n): n for n in range(5000)}}),
            json.dumps({f"f{n}": n for n in range(1000)}),
            '["a list"]',
            '"text"',
            '{"created_at": "infinity", "organization_id": {"a": 1}, "agent_id": "not an id"}',
        ],
        ids=["script", "deep", "deepest", "long", "wide", "fields", "list", "text", "types"],
    )
    @pytest.mark.parametrize("action", ["insert", "update", "delete"])
    def test_hostile_values(self, manager_client, owner, new, action):
        entry = write(
            owner, action=action, old='{"config": {"a": 1}}', new=new, row_label="<script>", reason="<b>"
        )
        page = self.page(manager_client, entry)
        assert "<script>alert" not in page and "<b>" not in page and len(page) < 600_000
        response = manager_client.get(f"{CHANGES}?q={entry}")
        check_page(response)
        assert ids(response) == [entry] and len(response.content) < 60_000

    @pytest.mark.parametrize(
        ("role", "words"),
        [
            ("authenticated", "a tenant by its browser app"),
            ("service_role", "the platform&#x27;s runtime"),
            ("postgres", "a person in SQL"),
            ("somebody", "role somebody"),
        ],
    )
    def test_outside_in_words(self, manager_client, owner, role, words):
        page = self.page(manager_client, write(owner, db_role=role, jwt_sub="login-1"))
        assert words in page and "login-1" in page

    def test_of_a_record_for_those_who_see_the_record(self, support_client, support, owner):
        entry = edit(make_agent(), support, name="New")
        assert "Before and after" in self.page(support_client, entry)
        staff = edit(make_user("finance"), make_user("admin"), first_name="Other")
        for hidden in (staff.pk, write(owner, table_name="agents", row_id="gone"), 10**9):
            assert support_client.get(f"{CHANGES}{hidden}/").status_code == 403


class TestHistory:
    def test_all_of_it_in_pages_for_those_who_see_the_record(self, support_client, finance_client, support):
        trunk = make_trunk(username="0")
        for n in range(60):
            edit(trunk, support, username=str(n + 1))
        detail = check_page(support_client.get(trunk.get_absolute_url()))
        assert history_url(trunk) in detail
        for client in (support_client, finance_client):
            response = client.get(history_url(trunk))
            check_page(response)
            first = ids(response)
            response = client.get(history_url(trunk) + response.context["next_url"])
            check_page(response)
            assert len(first + ids(response)) == len({*first, *ids(response)}) == 61

    def test_narrowed_by_field(self, support_client, support):
        agent = make_agent()
        entry = edit(agent, support, name="New")
        edit(agent, support, description="New")
        assert ids(support_client.get(f"{history_url(agent)}?field=name")) == [entry.pk]

    def test_of_what_is_gone_for_those_who_see_all(self, support_client, manager_client, owner):
        write(owner, table_name="agents", row_id="0b7c0c5e-0000-4000-8000-000000000000", action="delete")
        write(owner, table_name="no_such_table", row_id="a b", action="delete")
        for url in (
            "/audit/records/agents/0b7c0c5e-0000-4000-8000-000000000000/",
            "/audit/records/no_such_table/a b/",
        ):
            assert support_client.get(url).status_code == 404
            check_page(manager_client.get(url))
        entry = AuditEvent.objects.first()
        for url in (
            "/audit/records/agents/x/",
            "/audit/records/no_such_table/1/",
            "/audit/records/a/%00/",
            history_url(entry),  # nobody changes an entry
        ):
            assert manager_client.get(url).status_code == 404

    def test_of_accounts_and_others_jobs_is_not_for_support(self, support_client, support, admin):
        job = Job.objects.create(kind="export", title="Mine", owner=support)
        assert support_client.get(history_url(job)).status_code == 404
        assert support_client.get(history_url(admin)).status_code == 404


class TestActivity:
    def test_everything_in_order_with_totals_and_days(self, manager_client, support):
        agent = make_agent(name="Reception")
        edit(agent, support, "Ticket 1", name="Front desk")
        services.log_read(
            "transcript", make_session(agent, external_id="sess-1"), actor=support, reason="Complaint"
        )
        services.log_read("export", Organization(), actor=support, detail="All rows")
        services.log_read("export", support, actor=support)
        Job.objects.create(kind="export", title="Export of tenants", owner=support)
        page = check_page(manager_client.get(reverse("backoffice:person_activity", args=[support.pk])))
        for text in (
            "Front desk",
            "Ticket 1",
            "sess-1",
            "Complaint",
            "All rows",
            "Export of tenants",
            "Exported staff account",
            support.email[:7],
        ):
            assert text.lower() in page.lower(), text
        counts = {
            entry["label"]: entry["count"]
            for entry in manager_client.get(f"/audit/people/{support.pk}/").context["kinds"]
        }
        assert counts == {
            "Changes": "1",
            "Money and decisions": "0",
            "Readings": "1",
            "Exports": "2",
            "Jobs": "1",
            "Sign-ins": "0",
        }

    def test_sign_ins_and_tries(self, manager_client, support):
        for kind in ("signed_in", "refused"):
            SignIn.objects.create(account=support, address="192.0.2.7", kind=kind, method="sso")
        page = check_page(manager_client.get(f"/audit/people/{support.pk}/?kind=sign_in"))
        assert "Signed in" in page and "A sign-in failed" in page and "by single sign-on" in page
        assert "192.0.2.7" not in page
        tenant = make_organization()
        response = manager_client.get(f"/audit/people/{support.pk}/?organization={tenant.pk}")
        assert response.context["days"] == []

    def test_pages_visit_everything_once(self, manager_client, support, owner, monkeypatch):
        monkeypatch.setattr("backoffice.activity.PAGE", 4)
        for n in range(6):
            write(
                owner,
                actor_id=support.pk,
                actor="S",
                source="app",
                row_label=f"change {n}",
                at="2026-01-01 10:00+00",
            )
            Job.objects.create(kind="export", title=f"job {n}", owner=support)
        url, seen = f"/audit/people/{support.pk}/", []
        while url:
            response = manager_client.get(url)
            seen += [deed["about"] for _, deeds in response.context["days"] for deed in deeds]
            url = response.context["next_url"]
        assert sorted(seen) == sorted([f"change {n}" for n in range(6)] + [f"job {n}" for n in range(6)])

    def test_filters_and_broken_ones(self, manager_client, support, owner):
        url = f"/audit/people/{support.pk}/"
        write(
            owner,
            actor_id=support.pk,
            actor="S",
            source="app",
            row_label="old thing",
            at="2024-05-01 10:00+00",
        )
        assert "old thing" in check_page(
            manager_client.get(f"{url}?kind=change&since=2024-05-01&until=2024-05-01")
        )
        assert "old thing" not in check_page(manager_client.get(f"{url}?since=2024-05-02"))
        assert "Nothing matches" in check_page(manager_client.get(f"{url}?kind=export"))
        for query in ("since=x", "organization=x", "kind=x", "until=9999-12-31", "since=0001-01-01"):
            check_page(manager_client.get(f"{url}?{query}"))
        assert manager_client.get(f"{url}?after=x").status_code == 302

    def test_own_for_everybody_others_for_managers_and_admins(
        self, support_client, finance_client, manager_client, support
    ):
        own = check_page(support_client.get(reverse("my_activity")))
        assert "Your activity" in own
        assert support_client.get(f"/audit/people/{support.pk}/").status_code == 200
        assert finance_client.get(f"/audit/people/{support.pk}/").status_code == 403
        assert manager_client.get("/audit/people/987654/").status_code == 404

    def test_of_what_was_never_an_account(self, manager_client, owner):
        write(owner, actor_id=-1, actor="Some Program", source="app")
        assert "Some Program" in check_page(manager_client.get(CHANGES))
        assert "Some Program" in check_page(manager_client.get(f"{CHANGES}{AuditEvent.objects.first().pk}/"))

    def test_of_an_account_that_is_gone(self, manager_client, owner):
        write(owner, actor_id=987654, actor="Long Gone", source="app")
        assert "Long Gone" in check_page(manager_client.get("/audit/people/987654/"))


class TestReadings:
    def test_narrowed_by_person_kind_record_and_reason(self, manager_client, support, manager):
        session = make_session(make_agent())
        services.log_read("reveal", session, actor=support, reason="Complaint 12")
        services.log_read("transcript", session, actor=manager)
        reveal = ReadLog.objects.get(kind="reveal")
        for query in (
            "by=support",
            "kind=reveal",
            "reason=complaint",
            f"record={session.pk}&kind=reveal",
            "q=12",
        ):
            response = manager_client.get(f"{READINGS}?{query}")
            check_page(response)
            assert ids(response) == [reveal.pk], query
        assert "Complaint 12" in check_page(manager_client.get(f"{READINGS}{reveal.pk}/"))

    def test_a_tenants_readers(self, support_client, manager_client, support, manager):
        agent = make_agent()
        session = make_session(agent)
        tenant = agent.organization
        for _ in range(3):
            services.log_read("transcript", session, actor=support, organization_id=tenant.pk)
        services.log_read("search", session, actor=manager, organization_id=tenant.pk, detail="4711 0815")
        url = reverse("tenants:organization_readers", args=[tenant.pk])
        page = check_page(support_client.get(url))
        assert "3 transcripts" in page and str(manager) in page and "4711 0815" not in page
        assert "4711 0815" in check_page(manager_client.get(url))
        assert "Nothing matches" in check_page(support_client.get(f"{url}?kind=export"))
        response = support_client.get(f"{url}?by={manager}")
        assert [row.kind for row in response.context["page"].rows] == ["search"]
        assert support_client.get(f"{url}?after=x").status_code == 302
        assert (
            client_of(make_user("finance"))
            .get(reverse("tenants:organization_readers", args=[agent.pk]))
            .status_code
            == 404
        )


def test_an_export_has_before_and_after_without_secrets_and_is_logged(fresh_database, settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path
    with fresh_database.platform():
        trunk, agent = make_trunk(), make_agent(config={"voice": {"speed": 1}})
    with fresh_database.django():
        support, manager = make_user("support"), make_user("manager")
        set_trunk_password(trunk, password="hunter2hunter2", actor=support, reason="New")
        edit(agent, support, "=cmd", config={"voice": {"speed": 2}}, description="After")
        address = reverse("list_export", args=["backoffice:auditevent_list"])
        assert client_of(support).post(address, {"query": "", "format": "csv"}).status_code == 403
        client = client_of(manager)
        client.post(
            address, {"query": "by=support&columns=at,row_label,changes,fields,reason", "format": "csv"}
        )
        job = Job.objects.latest("created_at")
        jobs.run(str(job.pk))
        lines = (
            b"".join(client.get(reverse("job_result", args=[job.pk])).streaming_content).decode().splitlines()
        )
        assert len(lines) == 3 and "hunter2" not in "".join(lines)
        assert "description: not set → After" in lines[1] and "config: [JSON] → [JSON]" in lines[1]
        assert lines[1].endswith("'=cmd") and "password: not set → [secret" in lines[2]
        entry = ReadLog.objects.get(kind="export", actor_id=manager.pk)
        assert entry.table_name == "audit.event" and "by=support" in entry.detail and "2 rows" in entry.detail
