"""Health signs: each shows with its reason in numbers, and does not show beside its threshold."""

import datetime
import json
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.effective import effective
from agents.tests.factories import make_agent, make_chat_session, make_session
from backoffice.testing_crud import check_page, set_column
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number
from tenants.health import KINDS, Credit, all_signs, signs_of
from tenants.health.words import agent_faults, agent_signs, credit_sign
from tenants.tests.factories import change, make_organization

pytestmark = pytest.mark.django_db


def ago(**delta):
    return timezone.now() - datetime.timedelta(**delta)


def rich(**fields):
    return make_organization(credits_balance="1000.00", created_at=ago(days=300), **fields)


def found(tenant, kind=None):
    """The signs of the tenant, which are the same for its page and for the queue."""
    tenant.refresh_from_db()
    signs = signs_of(tenant)
    queued = [sign for sign in all_signs() if sign.organization_id == tenant.pk]
    assert sorted(map(repr, queued)) == sorted(map(repr, signs))
    assert len({(sign.kind, sign.cause) for sign in signs}) == len(signs)
    json.dumps([sign.numbers for sign in signs])
    return [sign for sign in signs if kind in (None, sign.kind)]


def only(tenant):
    (sign,) = found(tenant)
    return sign


def test_a_tenant_that_is_well_has_no_sign(support_client):
    tenant = rich()
    make_number(agent=make_agent(tenant))
    assert found(tenant) == []
    assert "Nothing wrong was found" in check_page(support_client.get(tenant.get_absolute_url()))


class TestBalance:
    @pytest.mark.parametrize(
        ("balance", "says"),
        [
            ("0.00", "The balance is 0.00: calls are refused (402)."),
            ("-86.45", "The balance is −86.45: calls are refused (402)."),
            (None, "The balance is not set: calls end in a server error (500)."),
        ],
    )
    def test_no_credit_says_what_callers_get(self, support_client, balance, says):
        tenant = rich()
        set_column(tenant, "credits_balance", balance)
        sign = only(tenant)
        assert (sign.kind, sign.cause, sign.text) == ("no_credit", "balance", says)
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert says in html and sign.url in html and "no credit" in html

    def test_a_balance_that_is_no_number_from_before_the_ledger(self):
        tenant = rich()
        credit = Credit(tenant.pk, tenant.name, Decimal("NaN"), Decimal(5), Decimal(0), Decimal(28))
        assert credit.is_gone and credit.days_left is None
        assert (
            credit_sign(credit).text == "The balance is no number (NaN): calls end in a server error (500)."
        )

    def test_a_cent_is_credit(self):
        assert found(make_organization(credits_balance="0.01")) == []

    def spend(self, tenant, amount, kind="settlement"):
        make_posting(tenant, f"-{amount}", kind)

    def test_dry_within_seven_days_by_the_ledgers_deductions(self, support_client):
        tenant = rich()
        self.spend(tenant, "820.00")  # 180 are left, at 29.29 a day
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("runs_dry", "balance")
        assert (
            sign.text
            == "180.00 lasts 6.1 days at 29.29 a day (820.00 in 28 days, by the ledger's deductions)."
        )
        assert sign.numbers == {"balance": "180.00", "days_left": "6.1", "spent": "820.00", "days": "28"}
        assert "6.1 days" in check_page(support_client.get(tenant.get_absolute_url()))

    def test_seven_days_are_enough(self, settings):
        tenant = rich()
        self.spend(tenant, "800.00")  # 200 are left, at 28.57 a day: 7.0 days
        assert found(tenant) == []
        settings.HEALTH_DRY_DAYS = 8
        assert only(tenant).kind == "runs_dry"

    def test_an_empty_balance_covers_one_that_runs_dry(self):
        tenant = rich()
        self.spend(tenant, "1000.00")
        assert only(tenant).kind == "no_credit"

    def test_corrections_and_refunds_are_no_spending(self):
        tenant = rich()
        for kind in ("correction", "refund"):
            self.spend(tenant, "300.00", kind)
        assert found(tenant) == []

    def test_deductions_from_outside_are_spending(self, owner):
        tenant = rich()
        owner("update organizations set credits_balance = 100 where id = %s", [tenant.pk])
        assert only(tenant).numbers["spent"] == "900.00"

    def test_where_nobody_deducts_recorded_costs_count(self):
        tenant = rich()
        agent = make_agent(tenant)
        make_usage(agent, cost_usd="4500")
        set_column(make_usage(agent), "cost_usd", "NaN")
        make_usage(agent, cost_usd="9000", created_at=ago(days=29))
        make_usage(agent, cost_usd="9000", created_at=None)
        assert found(tenant, "runs_dry") != []
        make_call(tenant, cost="1100")
        sign = only(tenant)
        assert sign.numbers["spent"] == "5600.0000" and "recorded costs of usage and calls" in sign.text

    def test_a_young_tenant_spends_over_the_days_it_has(self):
        tenant = make_organization(credits_balance="100.00", created_at=ago(days=10))
        make_usage(make_agent(tenant), cost_usd="150")  # 15 a day
        assert only(tenant).numbers["days_left"] == "6.7"

    @pytest.mark.parametrize("created", [None, "infinity", "-infinity"])
    def test_a_birthday_that_is_none(self, support_client, created):
        tenant = rich()
        set_column(tenant, "created_at", created)
        assert found(tenant) == []
        check_page(support_client.get(tenant.get_absolute_url()))


class TestSilence:
    def talk(self, tenant, days, last, make=make_session, **fields):
        agent = make_agent(tenant)
        for number in range(days):
            at = ago(days=last + number, minutes=5)
            times = {"created_at": at} if make == make_chat_session else {"last_activity_at": at}
            make(agent, **times, **fields)

    def test_silence_after_daily_use_shows_since_when(self):
        tenant = rich()
        self.talk(tenant, 20, last=4)
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("silent", "conversations")
        assert sign.text == (
            "No conversation for 4 days, after 20 conversations on 20 of the 28 days up to the last one."
        )
        assert sign.url.endswith("/conversations/")

    def test_two_days_are_not_silence_yet(self):
        tenant = rich()
        self.talk(tenant, 25, last=2)
        assert found(tenant) == []

    def test_rare_use_is_no_daily_use(self):
        tenant = rich()
        self.talk(tenant, 19, last=4)
        assert found(tenant) == []

    def test_legacy_chats_are_use_and_end_the_silence(self):
        tenant = rich()
        self.talk(tenant, 12, last=16)
        self.talk(tenant, 10, last=6, make=make_chat_session)
        assert only(tenant).numbers["days_of_use"] == 22
        make_chat_session(tenant.agents.first(), created_at=ago(days=1))
        assert found(tenant) == []

    def test_the_shared_session_is_nobodys_use(self):
        tenant = rich()
        self.talk(tenant, 20, last=4)
        make_session(tenant.agents.first(), external_id="default")
        assert only(tenant).kind == "silent"

    def test_times_that_are_none_or_beyond_the_calendar_change_nothing(self):
        tenant = rich()
        self.talk(tenant, 20, last=4)
        agent = tenant.agents.first()
        make_session(agent, last_activity_at=None)
        make_chat_session(agent, created_at=None)
        set_column(make_session(agent), "last_activity_at", "infinity")
        set_column(make_session(agent), "last_activity_at", "-infinity")
        assert only(tenant).kind == "silent"

    def test_long_silence_is_no_news(self, settings):
        tenant = rich()
        self.talk(tenant, 20, last=40)
        assert only(tenant).numbers["silent_days"] == 40
        settings.HEALTH_FORGOTTEN_DAYS = 30
        assert found(tenant) == []


class TestCalls:
    def calls(self, tenant, *, failed, fine=0, days=0, status="failed"):
        for number in range(failed + fine):
            state = status if number < failed else "completed"
            make_call(tenant, status=state, created_at=ago(days=days, hours=1))

    def test_more_failures_than_the_own_norm(self):
        tenant = rich()
        self.calls(tenant, failed=2, fine=18, days=10)
        self.calls(tenant, failed=3, fine=4)
        self.calls(tenant, failed=3, status="busy")
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("failing_calls", "calls")
        assert sign.text == (
            "6 of 10 calls in 2 days failed or were busy (60 %); the norm of the 28 days before is 10 % (2 of 20)."
        )
        assert sign.url.endswith("/calls/")

    def test_the_usual_failures_are_no_sign(self):
        tenant = rich()
        self.calls(tenant, failed=6, fine=6, days=10)
        self.calls(tenant, failed=6, fine=4)
        assert found(tenant) == []

    def test_few_failures_are_no_sign(self):
        tenant = rich()
        self.calls(tenant, failed=4)
        assert found(tenant) == []

    def test_without_calls_before_the_norm_is_none(self):
        tenant = rich()
        self.calls(tenant, failed=5)
        assert "there was none in the 28 days before" in only(tenant).text

    def test_calls_without_time_or_status_count_for_nothing(self):
        tenant = rich()
        for _ in range(6):
            make_call(tenant, status="failed", created_at=None)
            make_call(tenant, status=None)
        assert found(tenant) == []


class TestNumbers:
    def test_an_active_number_without_agent(self):
        tenant = rich()
        number = make_number(tenant)
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("number_unassigned", f"number:{number.pk}")
        assert sign.text == f"{number} is active and has no agent: calls get 404."
        assert sign.url == number.get_absolute_url()

    @pytest.mark.parametrize("status", ["released", None, "parked"])
    def test_a_number_that_is_not_active_needs_none(self, status):
        tenant = rich()
        make_number(tenant, status=status)
        assert found(tenant) == []

    def test_another_tenants_agent(self):
        tenant, other = rich(), rich(name="Other firm")
        number = make_number(tenant, agent=make_agent(other, name='{"name":"Desk"'))
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("number_mismatched", f"number:{number.pk}")
        assert sign.text == f"{number} is answered by “Desk” of Other firm, and this tenant pays."
        assert found(other) == []


class TestAgents:
    def test_settings_that_the_runtime_cannot_serve(self):
        tenant = rich()
        agent = make_agent(
            tenant, name="Desk", llm_model="mistral-large", voice_provider="azure", stt_provider="google"
        )
        sign = only(tenant)
        assert (sign.kind, sign.cause, sign.url) == (
            "agent_unserved", f"agent:{agent.pk}:served", agent.get_absolute_url(),
        )  # fmt: skip
        assert sign.numbers == {
            "llm_model": "mistral-large",
            "voice_provider": "azure",
            "stt_provider": "google",
        }
        assert "silently runs gpt-4o-mini instead" in sign.text and "cannot speak with it" in sign.text

    @pytest.mark.parametrize(
        ("columns", "names"),
        [
            ({"voice_provider": "openai", "voice_id": "Puck"}, ["voice_id"]),
            ({"voice_provider": "openai", "voice_id": "NOVA", "voice_model": "tts-1"}, []),
            ({"voice_provider": "openai", "voice_id": "", "voice_model": ""}, []),
            ({"voice_provider": "openai", "voice_model": "eleven_turbo_v2"}, ["voice_model"]),
            ({"voice_provider": "elevenlabs", "voice_id": "Puck", "voice_model": "tts-1"}, ["voice_model"]),
            ({"voice_id": "Puck", "voice_model": "sonic"}, []),
            ({"voice_provider": "openai", "config": {"voice": {"name": "Kore"}}}, ["voice_id"]),
        ],
    )
    def test_a_voice_that_its_provider_does_not_have(self, columns, names):
        """Found by SQL for one tenant, and by the same rule as on the agent's page."""
        agent = make_agent(rich(), **columns)
        signs = [sign for sign in found(agent.organization) if sign.kind == "agent_unserved"]
        assert [name for sign in signs for name in sign.numbers] == names

    @pytest.mark.parametrize("config", [None, {}, [], "text", 7, {"config": "text"}])
    def test_without_a_configuration_the_columns_count(self, config):
        tenant = rich()
        make_agent(tenant, voice_provider="elevenlabs", stt_provider="deepgram", config=config)
        assert found(tenant) == []
        make_agent(tenant, voice_provider="azure", config=config)
        assert only(tenant).kind == "agent_unserved"

    def test_what_the_configuration_says_counts_and_the_column_drifts(self):
        tenant = rich()
        agent = make_agent(tenant, name="Desk", voice_provider="azure", config={"voice_provider": "openai"})
        sign = only(tenant)
        assert (sign.kind, sign.cause) == ("agent_drift", f"agent:{agent.pk}:drift")
        assert sign.text == "Desk: 1 setting differs: voice provider."
        assert sign.numbers == {"settings": 1, "names": ["voice_provider"]}

    def test_the_agents_that_sql_chooses_are_all_that_the_resolver_complains_of(self):
        """Also where the configuration has the setting as the simple builder keeps it, in an envelope, or not at all."""
        configs = [
            None, [], ["voice_provider"], "llm_model", 7, {}, {"llm": {"model": "x"}, "language": "de"},
            {"config": None}, {"config": {}}, {"config": {"config": {"model": "x"}}, "name": "Copy"},
            {"name": "Other"}, {"description": None}, {"model": "gpt-4o"}, {"model": "x"}, {"model": 7},
            {"systemInstruction": "Be kind."}, {"maxReplyTokens": 1}, {"voice": "Puck"}, {"voice": {"name": "Puck"}},
            {"voice": {"speed": "1.00"}}, {"voice_provider": "openai"}, {"stt_provider": "google"},
        ]  # fmt: skip
        columns = [
            {},
            {"llm_model": None, "voice_provider": "", "stt_provider": None},
            {"llm_model": "Gpt-4", "voice_provider": "OpenAI"},
            {"voice_provider": "openai", "voice_id": "NOVA", "voice_model": "eleven_x"},
            {"voice_provider": "elevenlabs", "voice_id": "any", "voice_model": "tts-1", "stt_provider": "x"},
        ]
        tenant = rich()
        agents = [make_agent(tenant, **fields, config=config) for config in configs for fields in columns]
        expected = []
        for agent in agents:
            agent.refresh_from_db()
            expected += agent_signs(tenant.pk, agent.pk, agent.name, agent_faults(effective(agent)))
        assert sorted(map(repr, found(tenant))) == sorted(map(repr, expected))
        assert 40 < len(expected) < 2 * len(agents)

    def test_no_secret_of_a_configuration_is_shown(self):
        tenant = rich()
        make_agent(tenant, config={"custom_headers": {"Authorization": "Bearer hush"}})
        make_agent(tenant, config={"voice_provider": "openai", "voice_id": {"password": "hush"}})
        make_agent(tenant, config={"llm_model": '{"apiKey": "hush"}'})
        assert "hush" not in repr(found(tenant))


def test_every_kind_states_its_threshold(settings):
    settings.HEALTH_DRY_DAYS, settings.HEALTH_CALL_FAILURES, settings.HEALTH_SILENT_DAYS = 91, 92, 93
    rules = " ".join(kind.rule for kind in KINDS.values())
    assert all(str(number) in rules for number in (91, 92, 93)) and "{" not in rules


def test_signs_cost_the_same_for_one_row_and_for_many(django_assert_num_queries):
    tenant = rich()
    for _ in range(2):
        with django_assert_num_queries(3):
            signs_of(tenant)
        for _ in range(20):
            make_number(tenant)
            make_agent(tenant, voice_provider="azure")


def test_signs_are_grave_ones_first(support_client):
    tenant = change(rich(), credits_balance="0.00")
    make_agent(tenant, config={"temperature": 0.1})
    for _ in range(9):
        make_number(tenant)
    assert [sign.kind for sign in found(tenant)] == ["no_credit", *["number_unassigned"] * 9, "agent_drift"]
    assert "5 more" in check_page(support_client.get(tenant.get_absolute_url()))
