"""The search: every kind of input finds its record, nobody is shown what the role may not see, nothing typed breaks it."""

import html
import re
import uuid

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from agents.conversations import index
from agents.models import Store
from agents.tests.factories import make_agent, make_chat_message, make_message, make_session
from backoffice.models import AuditEvent, Recent
from backoffice.search import find as finding
from backoffice.search.find import find
from backoffice.search.highlight import highlight
from backoffice.search.typed import endings, read
from backoffice.testing import make_user
from backoffice.testing_crud import check_page
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import UserProfile
from tenants.tests.factories import change, make_login, make_note, make_organization, make_profile

URL = "/search/"


def found(user, text):
    """{kind: [names]}, with what was marked in brackets."""
    results = find(text, user)
    assert not results.too_broad
    plain = lambda title: html.unescape(re.sub("<mark>(.*?)</mark>", r"[\1]", str(title)))  # noqa: E731
    return {group.kind.name: [plain(hit.title) for hit in group.hits] for group in results.groups}


def opens(client, text):
    """Where the search goes at once, "" where it shows results."""
    response = client.get(URL, {"q": text})
    return response.headers.get("Location", "")


class TestIds:
    @pytest.mark.parametrize(
        "make",
        [
            make_organization,
            make_profile,
            make_agent,
            make_trunk,
            make_number,
            make_session,
            make_message,
            make_chat_message,
            make_usage,
            make_call,
            make_note,
        ],
    )
    def test_an_id_of_any_table_opens_its_record(self, support_client, make):
        row = make()
        assert opens(support_client, f" {row.pk} ") == row.get_absolute_url()
        assert opens(support_client, str(row.pk).upper()) == row.get_absolute_url()
        assert opens(support_client, row.pk.hex) == row.get_absolute_url()

    def test_an_unknown_id_finds_nothing(self, support_client):
        response = support_client.get(URL, {"q": str(uuid.uuid4())})
        assert "Nothing matches" in check_page(response)

    def test_numbers_of_ledger_and_audit_need_a_sign(self, manager_client):
        posting = make_posting(make_organization(name="Without a number"))
        event = AuditEvent.objects.order_by("-pk").first()
        assert found(manager_client.user, str(posting.pk)) == {}
        assert found(manager_client.user, f"#{posting.pk}")["ledger"] == [str(posting)]
        assert "change" in found(manager_client.user, f"# {event.pk}")
        for row in (posting, event):
            assert (
                opens(manager_client, f"https://desk.example{row.get_absolute_url()}")
                == row.get_absolute_url()
            )

    def test_addresses_of_our_pages(self, support_client):
        agent = make_agent()
        page = agent.get_absolute_url()
        for text in (
            page,
            f"{page}edit/?x=1",
            f"https://other.example:8443{page}?tab=2#top",
            f"http://x{page}",
        ):
            assert opens(support_client, text) == page
        assert opens(support_client, "/agents/agents/?q=x&status=y") == "/agents/agents/?q=x&status=y"
        for text in ("/agents/agents", "//evil.example/agents/agents/", "https://evil.example/", "/nowhere/"):
            assert not opens(support_client, text).startswith(("//", "http")), text

    def test_an_embed_snippet(self, support_client):
        agent = make_agent()
        snippet = f'<script src="https://x.example/embed.js"\n data-agent="{agent.pk}" async></script>'
        assert opens(support_client, snippet) == agent.get_absolute_url()

    def test_a_job_is_found_by_its_owner_and_admins(self, support_client, admin_client, finance_client):
        from backoffice.models import Job

        job = Job.objects.create(kind="export", title="Export", owner=support_client.user)
        assert (
            opens(support_client, str(job.pk)) == opens(admin_client, str(job.pk)) == job.get_absolute_url()
        )
        assert found(finance_client.user, str(job.pk)) == {}


class TestIdentifiers:
    def test_mail(self, support_client):
        profile = make_profile(email="Anna.Nowak@firma.example")
        for text in (
            "anna.nowak@FIRMA.example",
            "Anna <anna.nowak@firma.example>",
            "mailto:anna.nowak@firma.example",
        ):
            assert opens(support_client, text) == profile.get_absolute_url()
        assert found(support_client.user, "anna.nowak@firma.example")["organization"] == ["My Organization"]

    def test_mail_of_a_login_without_profile(self, support_client, owner):
        login = make_login("lost@firma.example", company_name="Lost and Found")
        owner("delete from user_profiles where id = %s", [login])
        assert found(support_client.user, "Lost@firma.example")["organization"][0] == "Lost and Found"
        assert opens(support_client, "lost@firma.example").startswith("/tenants/organizations/")

    @pytest.mark.parametrize(
        "text",
        [
            "+442079460018",
            "00442079460018",
            "+44 (0)20 7946 0018",
            "020 7946 0018",
            "(020) 7946-0018",
            "020.7946.0018",
            "020/7946 0018",
            "＋４４ ２０ ７９４６ ００１８",
            "٠٢٠٧٩٤٦٠٠١٨",
            "tel:+44-20-7946-0018",
            "79460018",
            "020\u00a07946\u20110018",
        ],
    )
    def test_a_number_in_any_format(self, support_client, text):
        number = make_number(e164="+442079460018")
        make_number(e164="+442079460019")
        assert opens(support_client, text) == number.get_absolute_url()

    def test_a_number_where_it_stands_marked(self, support_client):
        make_number(e164="+442079460018")
        make_profile(phone_number="020 7946 0018", email="a@b.example")
        make_call(caller_number="02079460018")
        make_call(caller_number="02079460018")
        assert opens(support_client, "+442079460018").startswith("/telephony/numbers/")
        response = support_client.get(URL, {"q": "020 79460018"})
        page = check_page(response)
        assert "+44 <mark>20 7946 0018</mark>" in page and "0<mark>20 7946 0018</mark>" in page
        assert found(support_client.user, "+44 20 79460018") == {
            "number": ["+[44 20 7946 0018]"],
            "profile": ["a@b.example"],
            "caller": ["0[2079460018]"],
        }
        assert "2 calls" in page and reverse("telephony:calllog_list") + "?q=02079460018" in page

    def test_few_digits_are_no_number(self, support):
        make_number(e164="+442079460018")
        assert "number" not in found(support, "0018")
        assert "number" in found(support, "60018")

    @pytest.mark.parametrize(
        ("make", "fields", "text"),
        [
            (make_trunk, {"sip_domain": "Acme.sip.example"}, "acme.SIP.example"),
            (make_trunk, {"sip_domain": "acme.sip.example"}, "sip:4711@acme.sip.example;transport=tls"),
            (make_trunk, {"username": "acme-trunk"}, "acme-trunk"),
            (make_number, {"provider_sid": "PN0123456789abcdef"}, "PN0123456789abcdef"),
            (make_profile, {"stripe_customer_id": "cus_NffrFeUfNV2Hib"}, "cus_NffrFeUfNV2Hib"),
            (make_profile, {"stripe_subscription_id": "sub_1MowQVLkdIwHu7"}, "sub_1MowQVLkdIwHu7"),
            (make_session, {"external_id": "session_1765000000000_abc"}, "session_1765000000000_abc"),
            (
                make_session,
                {"external_id": "0d8c1a56-2f1e-4b8e-9a51-3c4f6f7d9b10"},
                "0d8c1a56-2f1e-4b8e-9a51-3c4f6f7d9b10",
            ),
            (make_call, {"session_ref": "call_x1"}, "call_x1"),
        ],
    )
    def test_ids_of_others(self, support_client, make, fields, text):
        row = make(**fields)
        assert opens(support_client, text) == row.get_absolute_url()

    def test_the_session_that_all_callers_share(self, support_client):
        shared = make_session(external_id="default")
        assert opens(support_client, "default") == shared.get_absolute_url()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "text", "title"),
        [
            ("Łódź Café — Brücke", "lodz", "[Łódź] Café — Brücke"),
            ("Łódź Café — Brücke", "BRUCK caf", "Łódź [Caf]é — [Brück]e"),
            ("Straße des 17. Juni", "strasse", "[Straße] des 17. Juni"),
            ("Straße des 17. Juni", "17 jun", "Straße des [17]. [Jun]i"),
            ("Đorđe İbrahim", "dorde ibrahim", "[Đorđe] [İbrahim]"),
            ("ΣΊΓΜΑΣ Εταιρεία", "σιγμας", "[ΣΊΓΜΑΣ] Εταιρεία"),
            ("Ёлка Луч", "елка", "[Ёлка] Луч"),
            ("شركة النور", "النو", "شركة [النو]ر"),
            ("חברת שלום", "שלו", "חברת [שלו]ם"),
            ("株式会社東京ガーデン", "東京", "株式会社[東京]ガーデン"),
            ("株式会社東京ガーデン", "ガー", "株式会社東京[ガー]デン"),
            ("株式会社東京ガーデン", "京", "株式会社東[京]ガーデン"),
            ("โรงแรมกรุงเทพสยาม", "กรุงเทพ", "โรงแรม[กรุงเทพ]สยาม"),
            ("한국병원", "한국", "[한국]병원"),
            ("ＡＣＭＥ Corp", "acme", "[ＡＣＭＥ] Corp"),
            ("O'Connor & Sons", "connor", "O'[Connor] & Sons"),
            ("100% Pure_Oil", "100 pure", "[100]% [Pure]_Oil"),
        ],
    )
    def test_beginnings_of_words(self, support, name, text, title):
        make_organization(name=name)
        make_organization(name="Something else")
        assert found(support, text)["organization"] == [title]

    def test_not_in_the_middle_of_a_word(self, support):
        make_organization(name="Riverbend Dental")
        assert found(support, "bend") == {}
        assert found(support, "dent") == {"organization": ["Riverbend [Dent]al"]}
        assert found(support, "dent bend") == {}
        make_organization(name="東京大阪")
        assert "organization" not in found(support, "東大")

    def test_persons_and_agents(self, support):
        make_profile(full_name="Zoë Müller-Lüdenscheidt", company_name="Fjord GmbH", email="zml@post.example")
        make_agent(name="Night desk")
        for text in ("ludensch", "zoe mull", "fjord", "zml post"):
            assert found(support, text)["profile"] == [
                "zml@post.example" if text != "zml post" else "[zml]@[post].example"
            ]
        assert found(support, "desk") == {"agent": ["Night [desk]"]}

    def test_the_best_come_first(self, support):
        for name in ("Old Aurora", "Aurora Books", "aurora"):
            make_organization(name=name)
        assert found(support, "Aurora")["organization"] == ["[aurora]", "[Aurora] Books", "Old [Aurora]"]

    def test_the_best_are_among_many(self, support, owner):
        owner(
            "insert into organizations (name, owner_id)"
            " select 'Zeta Common ' || n, %s from generate_series(1, 300) n",
            [make_login()],
        )
        make_organization(name="Common")
        results = find("common", support)
        (group,) = results.groups
        assert str(group.hits[0].title) == "<mark>Common</mark>"
        assert len(group.hits) == finding.PER_KIND
        assert group.more_url == "/tenants/organizations/?q=common"

    def test_one_whole_name_opens_its_record_and_a_beginning_does_not(self, support_client):
        organization = make_organization(name="Tidewater Books")
        assert opens(support_client, "tidewater books") == organization.get_absolute_url()
        assert opens(support_client, "tidewater boo") == ""

    def test_a_rename_is_found_at_once_whoever_makes_it(self, support):
        organization = make_organization(name="Before Ltd")
        change(organization, name="Hereafter Ltd")  # by the platform
        assert found(support, "herea") == {"organization": ["[Herea]fter Ltd"]}
        assert found(support, "before") == {}

    def test_json_in_a_name_hides_its_secrets(self, support):
        make_agent(name='{"name": "Concierge", "apiKey": "sk-hush"}')
        assert found(support, "conci") == {"agent": ["[Conci]erge"]}
        assert found(support, "hush") == {}

    def test_notes(self, support):
        tenant = make_organization(name="Noted Ltd")
        make_note(tenant, text="Wants a refund for Friday")
        (group,) = find("refu", support).groups
        assert (group.kind.name, group.hits[0].tenant) == ("note", tenant)

    def test_content_of_conversations_is_not_searched(self, support):
        make_message(content="Unmistakable")
        make_session(conversation_history=[{"role": "user", "content": "Unmistakable"}])
        assert found(support, "unmistakable") == {}


class TestTenant:
    def test_stands_beside_what_belongs_to_it(self, support_client):
        tenant = make_organization(name="Meridian Hotels")
        agent = make_agent(tenant, name="Unmistakable")
        rows = {
            "Unmistakable": agent,
            "+442079460018": make_number(agent=agent, e164="+442079460018"),
            "m.sip.example": make_trunk(organization=tenant, sip_domain="m.sip.example"),
            "session_unmistakable": make_session(agent, external_id="session_unmistakable"),
        }
        for text in rows:
            response = support_client.get(URL, {"q": text, "all": 1})
            assert f'href="{tenant.get_absolute_url()}" dir="auto">Meridian Hotels</a>' in check_page(
                response
            )

    def test_of_a_profile_are_those_it_owns(self, support_client):
        profile = make_profile(full_name="Unmistakable Person")
        make_organization(owner=profile, name="Another")
        page = check_page(support_client.get(URL, {"q": "unmistakable", "all": 1}))
        assert ">Another</a>" in page and "and 1 more" in page


EVERYTHING = "Unmistakable"


def make_everything():
    tenant = make_organization(name=EVERYTHING)
    change(UserProfile.objects.get(pk=tenant.owner_id), full_name=EVERYTHING, phone_number="+442079460018")
    agent = make_agent(tenant, name=EVERYTHING)
    make_number(agent=agent, e164="+442079460018")
    make_call(tenant, caller_number="+442079460018")
    make_note(tenant, text=EVERYTHING)
    return tenant


class TestRoles:
    KINDS = {"organization", "profile", "agent", "note"}

    @pytest.mark.parametrize("role", ["support", "finance", "manager", "admin"])
    def test_each_role_finds_what_it_may_see(self, db, role):
        make_everything()
        user = make_user(role)
        assert set(found(user, EVERYTHING)) == {
            kind for kind in self.KINDS if user.has_perm(finding.BY_NAME[kind].permission)
        }
        assert set(found(user, "+442079460018")) == {"number", "profile", "caller"}
        posting = make_posting()
        assert ("change" in found(user, f"#{AuditEvent.objects.order_by('pk').last().pk}")) == user.has_perm(
            "backoffice.view_auditevent"
        )
        assert "ledger" in found(user, f"#{posting.pk}")

    def test_a_kind_is_closed_by_its_permission(self, support):
        tenant = make_everything()
        group = Group.objects.get(name="Support")
        hidden = ["view_organization", "view_calllog", "view_agent"]
        group.permissions.remove(*Permission.objects.filter(codename__in=hidden))
        user = type(support).objects.get(pk=support.pk)
        assert set(found(user, EVERYTHING)) == {"profile", "note"}
        assert set(found(user, "+442079460018")) == {"number", "profile"}
        assert found(user, str(tenant.pk)) == {}
        hits = [
            hit for g in find(EVERYTHING, user).groups + find("+442079460018", user).groups for hit in g.hits
        ]
        assert all(hit.tenant is None for hit in hits)
        client = Client()
        client.force_login(user)
        for address in (URL, "/search/palette/"):
            page = client.get(
                address, {"q": "+442079460018", "all": 1}, headers={"HX-Request": "true"}
            ).content.decode()
            assert tenant.get_absolute_url() not in page

    def test_an_account_without_role_finds_nothing(self, db):
        from backoffice.models import User

        user = User.objects.create_user(email="none@example.test", password="password")
        make_everything()
        assert found(user, EVERYTHING) == found(user, "+442079460018") == {}


HOSTILE = [
    "%",
    "_",
    "'",
    "\\",
    "\0",
    "a\0b",
    "''; drop table organizations; --",
    "& | ! <-> :*",
    "a & b | !c <2> d:*",
    "(((",
    "'a' 'b",
    "\\'\\",
    "?!.,;:",
    "😀",
    "\u202eabc\u202c",
    "\ufdfa" * 50,
    "a" * 3000,
    "ä " * 3000,
    "東" * 500,
    "%s %(words)s {limit} {0}",
    "#99999999999999999999",
    "#999999999999999999",
    "+",
    "00000000",
    "+99999999999999",
    "1" * 40,
    "²³¹¹¹¹¹¹",
    "http://[",
    "https://x/%00",
    "/tenants/organizations/not-a-uuid/",
    "@",
    "a@b@c.d",
    "<script>alert(1)</script>",
    "\ud800",
]


class TestHostileInput:
    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_nothing_typed_breaks_it(self, support_client, text):
        make_organization(name="100% O'Connor_\\ <b>")
        for address in (URL, "/search/palette/"):
            response = support_client.get(
                address,
                {"q": text.encode(errors="surrogatepass"), "all": 1},
                headers={"HX-Request": "true"} if "palette" in address else {},
            )
            assert response.status_code == 200

    def test_like_signs_are_letters(self, support):
        make_trunk(sip_domain="acme.example")
        for text in ("%%%", "ac%", "a___.example"):
            assert "trunk" not in found(support, text)

    def test_what_is_shown_is_escaped(self, support_client):
        make_organization(name='<script>alert("x")</script> evil')
        page = check_page(support_client.get(URL, {"q": "script evil <i>", "all": 1}))
        assert "&lt;<mark>script</mark>&gt;alert" not in page  # <i> is a word more
        page = check_page(support_client.get(URL, {"q": "script evil", "all": 1}))
        assert "&lt;<mark>script</mark>&gt;alert" in page and "<script>alert" not in page
        assert highlight("a<b>&c", "b") == "a&lt;<mark>b</mark>&gt;&amp;c"

    def test_too_broad_says_so(self, support_client, monkeypatch):
        monkeypatch.setattr(finding, "TIMEOUT", "20ms")
        monkeypatch.setattr(
            finding.probes, "BY_WORDS", [("organization", "select pg_sleep(5)::text, '', 0, ''")]
        )
        assert "too broad" in check_page(support_client.get(URL, {"q": "anything"}))
        response = support_client.get("/search/palette/", {"q": "anything"}, headers={"HX-Request": "true"})
        assert "too broad" in response.content.decode()
        with connection.cursor() as cursor:
            cursor.execute("show statement_timeout")
            assert cursor.fetchone() != ("20ms",)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "digits"),
        [
            ("+44 (0)20 7946 0018", ["442079460018", "2079460018"]),
            ("0044 20 7946 0018", ["442079460018", "2079460018"]),
            ("020 7946 0018", ["2079460018"]),
            ("+1 415 555 0100", ["14155550100", "4155550100"]),
            ("1234", []),
            ("1" * 30, []),
            ("+999 12345", ["99912345"]),
        ],
    )
    def test_endings(self, text, digits):
        assert endings(text) == digits

    def test_a_name_with_digits_is_no_number(self):
        assert read("Room 12345 Ltd").digits == []
        assert read("Room 12345 Ltd").names == "Room 12345 Ltd"


class TestPages:
    def test_the_search_field_is_on_every_page(self, support_client, admin_client):
        for client, address in (
            (support_client, "/"),
            (support_client, "/me/"),
            (support_client, "/nowhere/"),
            (support_client, "/audit/changes/"),  # 403
            (admin_client, "/admin/"),
            (admin_client, "/admin/backoffice/user/"),
        ):
            page = client.get(address).content.decode()
            assert (
                'action="/search/"' in page and 'id="search"' in page and 'hx-get="/search/palette/"' in page
            )

    def test_visitors_are_sent_to_the_log_in(self, client):
        for address in (URL, "/search/palette/"):
            assert client.get(address).headers["Location"].startswith("/accounts/login/")

    def test_page_names(self, support_client, manager_client):
        page = check_page(support_client.get(URL, {"q": "phone num"}))
        assert '<a class="found__name" href="/telephony/numbers/">Phone numbers</a>' in page
        assert "/audit/changes/" in check_page(manager_client.get(URL, {"q": "changes"}))
        assert "/audit/changes/" not in check_page(support_client.get(URL, {"q": "changes"}))

    def test_queries_do_not_grow_with_the_hits(self, support, django_assert_max_num_queries):
        for n in range(12):
            profile = make_profile(full_name=f"Unmistakable {n}")
            make_agent(make_organization(owner=profile, name=f"Unmistakable {n}"), name=f"Unmistakable {n}")
        user = type(support).objects.get(pk=support.pk)
        kinds = len(finding.kinds_for(user))
        assert kinds
        # Timeout, words, the one for all kinds, notes; rows of three kinds, owners' organizations; two of the savepoint.
        with django_assert_max_num_queries(10):
            assert find("unmistakable", user).count == 3 * finding.PER_KIND

    def test_every_question_reads_an_index(self, support, owner):
        """With sequential scans forbidden none is left, so each has its index."""
        texts = ["unmistakable", "+442079460018", "a@b.example", str(uuid.uuid4()), "#1", "sip.example"]
        with connection.cursor() as cursor:
            cursor.execute("set local enable_seqscan = off")
            for text in texts:
                asked = []
                with connection.execute_wrapper(
                    lambda run, sql, params, many, ctx, a=asked: (
                        a.append((sql, params)),
                        run(sql, params, many, ctx),
                    )[1]
                ):
                    finding.candidates(connection, read(text), support)
                sql, params = asked[-1]
                assert "union all" in sql
                # The plan for whatever may be asked, with numbers for what is.
                sql = re.sub(
                    r"%\((\w+)\)s", lambda name, names=list(params): f"${names.index(name[1]) + 1}", sql
                )
                cursor.execute("explain (generic_plan) " + sql.replace("%%", "%"))
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "$1" in plan
                assert "Seq Scan" not in plan, plan


class TestLists:
    """The boxes of the lists find as the search does, by the same indexes."""

    def rows(self, client, name, q):
        return {str(row) for row in client.get(reverse(name), {"q": q}).context["rows"]}

    def test_words_of_the_row_and_of_its_tenant(self, support_client):
        profile = make_profile(full_name="Zoë Müller", email="zm@post.example")
        tenant = make_organization(name="Łódź Café", owner=profile)
        make_agent(tenant, name="Night desk")
        make_number(tenant, e164="+442079460018", provider_sid="PN1")
        make_trunk(organization=tenant, sip_domain="a.example")
        make_organization(name="Other")
        for q, name, title in (
            ("cafe lod", "tenants:organization_list", "Łódź Café"),
            ("zoe mull", "tenants:organization_list", "Łódź Café"),
            ("mull", "tenants:userprofile_list", "zm@post.example"),
            ("des nig", "agents:agent_list", "Night desk"),
            ("lodz", "agents:agent_list", "Night desk"),
            ("lodz", "telephony:phonenumber_list", "+44 20 7946 0018"),
            ("020 7946 0018", "telephony:phonenumber_list", "+44 20 7946 0018"),
            ("PN1", "telephony:phonenumber_list", "+44 20 7946 0018"),
            ("lodz", "telephony:siptrunk_list", "twilio a.example"),
        ):
            assert title in self.rows(support_client, name, q), q
            assert not self.rows(support_client, name, f"{q} zzz")

    def test_conversations_of_a_tenant_and_of_a_caller(self, manager_client):
        session = make_session(make_agent(make_organization(name="Łódź Café")), channel="phone")
        make_call(caller_number="+442079460018", session_ref=session.external_id)
        other = make_session()
        index.refresh(Store.SESSION, [session.pk, other.pk])
        for q in ("cafe lod", "020 7946 0018", "+44 (20) 7946-0018", session.external_id):
            assert self.rows(manager_client, "agents:conversation_list", q) == {session.external_id}, q
        assert not self.rows(manager_client, "agents:conversation_list", "cafe zzz")

    def test_the_planner_knows_how_many_conversations_a_caller_has(self, db):
        """Of an index on some rows alone it takes no statistics."""
        with connection.cursor() as cursor:
            cursor.execute("select indexdef from pg_indexes where indexname = 'conversation_caller'")
            assert " WHERE " not in cursor.fetchone()[0]

    def test_calls_of_a_caller(self, support_client):
        make_call(caller_number="+442079460018")
        make_call(caller_number="anonymous")
        make_call(caller_number=None)
        url = reverse("telephony:calllog_list")
        for q, caller in (("020 7946 0018", "+442079460018"), ("anonymous", "anonymous")):
            assert [row.caller_number for row in support_client.get(url, {"q": q}).context["rows"]] == [
                caller
            ]

    @pytest.mark.parametrize("q", [text for text in HOSTILE if len(text) < 2000], ids=repr)
    def test_any_text(self, support_client, q):
        for name in ("tenants:organization_list", "telephony:calllog_list", "agents:conversation_list"):
            response = support_client.get(reverse(name), {"q": q.encode(errors="surrogatepass")})
            assert response.status_code == 200


class TestRecent:
    def test_opened_records_newest_first_with_the_name_of_now(self, support_client):
        first, second = make_organization(name="First"), make_agent(name="Second")
        for row in (first, second, first):
            support_client.get(row.get_absolute_url())
        change(first, name="First, renamed")
        for address in (URL, "/search/palette/"):
            page = support_client.get(address, headers={"HX-Request": "true"}).content.decode()
            assert 0 < page.index("First, renamed") < page.index("Second")
        assert Recent.objects.count() == 2

    def test_ones_own_only(self, support_client, manager_client):
        support_client.get(make_organization(name="Mine").get_absolute_url())
        assert "Mine" not in manager_client.get(URL).content.decode()

    def test_what_went_away_or_may_not_be_seen_is_not_shown(self, support_client, owner):
        gone, hidden = make_trunk(sip_domain="gone.example"), make_agent(name="Hidden")
        for row in (gone, hidden):
            support_client.get(row.get_absolute_url())
        page = support_client.get(URL).content.decode()
        assert "gone.example" in page and "Hidden" in page
        owner("delete from sip_trunks where id = %s", [gone.pk])
        Group.objects.get(name="Support").permissions.remove(Permission.objects.get(codename="view_agent"))
        page = support_client.get(URL).content.decode()
        assert "gone.example" not in page and "Hidden" not in page

    def test_missing_and_refused_pages_are_not_remembered(self, support_client, finance_client):
        support_client.get(f"/agents/agents/{uuid.uuid4()}/")
        support_client.get("/agents/agents/")
        finance_client.get(f"{make_agent().get_absolute_url()}edit/")
        assert not Recent.objects.exists()

    def test_bounded(self, support_client, monkeypatch):
        from backoffice.search import recent

        monkeypatch.setattr(recent, "KEPT", 3)
        rows = [make_organization() for _ in range(5)]
        for row in rows:
            support_client.get(row.get_absolute_url())
        kept = set(Recent.objects.values_list("record", flat=True))
        assert kept == {str(row.pk) for row in rows[2:]}

    def test_costs_one_query(self, support, django_assert_max_num_queries):
        from backoffice.search import recent

        row = make_organization()
        with django_assert_max_num_queries(1):
            recent.opened(support, row)

    def test_does_not_wait_for_the_disk_unless_a_transaction_does(self, support, monkeypatch):
        from backoffice.search import recent

        row = make_organization()
        with connection.cursor() as cursor:
            cursor.execute("set local synchronous_commit = on")
            for is_alone in (False, True):
                with monkeypatch.context() as patch:
                    patch.setattr(connections["default"], "in_atomic_block", not is_alone)
                    recent.opened(support, row)
                cursor.execute("show synchronous_commit")
                assert cursor.fetchone() == ("off" if is_alone else "on",)
        assert Recent.objects.get().record == str(row.pk)

    def test_goes_with_the_account(self, support_client):
        support_client.get(make_organization().get_absolute_url())
        with connection.cursor() as cursor:
            cursor.execute(
                "select conname from pg_constraint where conrelid = 'backoffice_recent'::regclass and contype = 'f'"
            )
            assert cursor.fetchall()


class TestHints:
    @pytest.mark.parametrize("text", ["+44", "0044", "+44 (0", "12"])
    def test_few_digits_are_told_what_is_missing(self, support_client, text):
        assert "five or more of its last digits" in check_page(support_client.get(URL, {"q": text}))
        palette = support_client.get("/search/palette/", {"q": text}, headers={"HX-Request": "true"})
        assert "five or more of its last digits" in palette.text

    @pytest.mark.parametrize("text", ["+++", "#12", "0.5 percent", "Room 12", "-"])
    def test_other_texts_are_not_taken_for_a_number(self, text):
        assert not read(text).too_few_digits

    def test_the_palette_says_that_nothing_matches(self, support_client):
        make_organization(name="Acme")
        for text, said in (("zzzz", True), ("acme", False), ("", False), ("/agents/agents/", False)):
            palette = support_client.get("/search/palette/", {"q": text}, headers={"HX-Request": "true"})
            assert ("No record matches" in palette.text) == said

    @pytest.mark.parametrize("text", ["Tel. +44 20 7946 0018", "phone: 020 79460018", "call (020) 7946 0018"])
    def test_the_word_before_a_number_is_left_out(self, support_client, text):
        number = make_number(e164="+442079460018")
        assert opens(support_client, text) == number.get_absolute_url()

    @pytest.mark.parametrize(
        "text", ["sip:4711@acme.sip.example:5060", "acme.sip.example:5061;transport=tls"]
    )
    def test_the_port_of_a_sip_address_is_left_out(self, support_client, text):
        trunk = make_trunk(sip_domain="acme.sip.example")
        assert opens(support_client, text) == trunk.get_absolute_url()

    def test_pages_are_found_by_the_beginnings_of_words(self, support_client):
        assert "/telephony/numbers/" in pages_in(support_client, "pho num")
        assert "/telephony/numbers/" not in pages_in(support_client, "hone")


def pages_in(client, text):
    page = check_page(client.get(URL, {"q": text}))
    return page.partition('id="found-pages"')[2].partition("</section>")[0]
