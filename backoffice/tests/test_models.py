"""Whatever the platform, or a person in SQL, has put into a row: a model still reads and shows it."""

import uuid
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models

from agents.models import Agent, AgentSession
from agents.tests.factories import make_agent, make_chat_message, make_message, make_session
from backoffice.models import AuditEvent, ReadLog
from backoffice.table_checks import platform_models
from backoffice.testing import platform
from billing.models import CreditTransaction
from billing.tests.factories import make_posting, make_usage
from telephony.models import CallLog, PhoneNumber, SipTrunk
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import Organization, UserProfile
from tenants.tests.factories import change, make_organization, make_profile

MAKERS = [
    make_organization,
    make_profile,
    make_agent,
    make_session,
    make_message,
    make_chat_message,
    lambda: make_chat_message().session,
    make_trunk,
    make_number,
    make_call,
    make_usage,
]
HOSTILE = "<script>alert(1)</script> '\" {{ 7 }} %s"


def open_fields(model, *kinds):
    return [
        field for field in model._meta.concrete_fields if isinstance(field, kinds) and not field.primary_key
    ]


def show(obj):
    """Everything a list or page reads from one row."""
    obj = type(obj).objects.get(pk=obj.pk)
    texts = [str(obj)]
    for field in obj._meta.concrete_fields:
        if field.choices:
            texts.append(getattr(obj, f"get_{field.name}_display")())
        if not field.is_relation:
            texts.append(field.value_to_string(obj))
    for name in ("is_stale", "is_shared", "is_active", "has_credit", "display_name"):
        texts.append(getattr(obj, name, None))
    return texts


@pytest.mark.parametrize("model", platform_models(), ids=lambda model: model._meta.label)
def test_an_empty_object_has_a_text_without_a_query(model):
    assert str(model()).strip()


@pytest.mark.parametrize("make", MAKERS)
class TestOddRows:
    def test_null_in_every_nullable_column(self, db, make, django_assert_num_queries):
        obj = make()
        nullable = [
            field
            for field in open_fields(type(obj), models.Field)
            if field.null and field.column not in ("updated_at", "owner_id")
        ]
        obj = change(obj, **{field.attname: None for field in nullable})
        assert {getattr(obj, field.attname) for field in nullable} <= {None}
        with django_assert_num_queries(1):
            assert show(obj)[0].strip()

    def test_values_outside_every_known_set(self, db, make):
        obj = make()
        texts = {
            field.attname: HOSTILE[: field.max_length]
            for field in open_fields(type(obj), models.CharField, models.TextField)
            if field.name != "role"  # the only two columns with a CHECK
        }
        obj = change(obj, **texts)
        shown = show(obj)
        for field in open_fields(type(obj), models.CharField):
            if field.choices and field.name != "role":
                assert texts[field.attname] in shown
        obj.clean_fields(exclude=["email"])  # an e-mail is the one text with a form of its own

    @pytest.mark.parametrize("value", ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC"])
    def test_times_that_python_does_not_know(self, db, make, value):
        obj = make()
        with platform(), connection.cursor() as cursor:
            for field in open_fields(type(obj), models.DateTimeField):
                cursor.execute(
                    f'update "{obj._meta.db_table}" set "{field.column}" = %s where id = %s', [value, obj.pk]
                )
        assert show(obj)

    @pytest.mark.parametrize("value", [{"a": [1]}, ["a", None], "text", 7, False])
    def test_json_of_the_wrong_shape(self, db, make, value):
        obj = make()
        if fields := open_fields(type(obj), models.JSONField):
            assert show(change(obj, **{field.attname: value for field in fields}))


class TestRelationsWithoutForeignKey:
    def test_an_owner_without_profile_reads_none_and_keeps_the_organization(self, db):
        organization = make_organization()
        with platform():
            UserProfile.objects.filter(pk=organization.owner_id).delete()
        assert Organization.objects.get(pk=organization.pk).owner is None
        assert Organization.objects.select_related("owner").get(pk=organization.pk).owner is None
        organization.refresh_from_db()
        organization.clean_fields()

    def test_an_owner_with_profile_is_joined_by_id(self, db, django_assert_num_queries):
        profile = make_profile(email="owner@example.test")
        make_organization(name="Second", owner=profile)
        with django_assert_num_queries(1):
            found = Organization.objects.select_related("owner").get(
                name="Second", owner__email="owner@example.test"
            )
            assert found.owner == profile
        assert profile.organizations.count() == 2

    def test_a_session_of_a_login_without_profile_is_kept(self, db):
        session = make_session(profile_id=make_profile().pk)
        with platform():
            UserProfile.objects.filter(pk=session.profile_id).delete()
        assert AgentSession.objects.select_related("profile").get(pk=session.pk).profile is None

    def test_the_ledger_survives_its_organization(self, db):
        organization = make_organization()
        posting = make_posting(organization, "10.00")
        with platform():
            organization.delete()
        posting = CreditTransaction.objects.select_related("organization").get(pk=posting.pk)
        assert (posting.organization, posting.organization_name) == (None, organization.name)
        assert CreditTransaction.objects.get(pk=posting.pk).organization is None

    def test_deleting_from_python_never_cascades(self, db):
        agent = make_agent()
        assert all(
            relation.on_delete is models.DO_NOTHING and not relation.field.db_constraint
            for model in platform_models()
            for relation in model._meta.related_objects
        )
        with platform():
            assert agent.delete() == (1, {"agents.Agent": 1})
        with pytest.raises(ObjectDoesNotExist):
            agent.refresh_from_db()


def test_a_message_never_says_its_content(db):
    assert "secret" not in str(make_message(content="secret")) + str(make_chat_message(text="secret"))


def test_the_trunk_password_is_not_mapped(db):
    trunk = make_trunk(password="hunter2")
    assert "password" not in {field.column for field in SipTrunk._meta.concrete_fields}
    assert not any("hunter2" in str(text) for text in show(trunk))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Front desk", "Front desk"),
        ('{"name": "Front desk", "config": {}}', "Front desk"),
        ('{"config": {}}', "(no name)"),
        ('{"name": 5}', "(no name)"),
        ('{"name": "Front desk", "sip": {"password": "cut o', "Front desk"),
        ("{" + "x" * 200, "(no name)"),
    ],
)
def test_an_agent_whose_name_is_json_shows_the_name_inside(name, shown):
    agent = Agent(name=name)
    assert str(agent).removesuffix(f" {agent.pk}") == shown


def test_lists_put_rows_without_a_time_last(db):
    dateless, dated = make_call(created_at=None), make_call()
    assert list(CallLog.objects.all()) == [dated, dateless]
    assert list(CallLog.objects.reverse()) == [dateless, dated]


def test_named_reads(db, settings):
    tenant = make_organization(credits_balance="5.00")
    number = make_number(tenant)
    assert set(Organization.objects.without_credit()) == set(Organization.objects.exclude(pk=tenant.pk))
    stranger = make_agent()
    with platform():
        PhoneNumber.objects.filter(pk=number.pk).update(agent=stranger)
    assert list(PhoneNumber.objects.mismatched()) == [number]
    assert list(PhoneNumber.objects.active()) == [number]
    usage = make_usage()
    make_usage(cost_usd="0.0100")
    assert list(type(usage).objects.unpriced()) == [usage]
    session, call = make_session(external_id="default"), make_call()
    assert session.is_shared and not session.is_stale and not call.is_stale
    settings.STALE_SESSION_HOURS = settings.MAX_CALL_MINUTES = -1
    assert session.is_stale and call.is_stale
    assert list(AgentSession.objects.stale()) == [session] and list(CallLog.objects.stale()) == [call]
    assert not AgentSession.objects.of_one_visitor().exists()


def test_the_audit_of_one_record_is_found(db):
    tenant, other = make_organization(name="Old"), make_organization()
    change(tenant, name="New")
    event = AuditEvent.objects.of(tenant).first()
    assert event.changes == {"name": ["Old", "New"]}
    assert (event.action, event.source, event.organization) == ("update", "outside", tenant)
    assert not AuditEvent.objects.of(other).filter(action="update").exists()
    assert not ReadLog.objects.of(tenant).exists()


NAMED = [model for model in apps.get_models() if getattr(model, "named_by", ())]


@pytest.mark.parametrize("text", ["Something", None], ids=["with values", "without values"])
@pytest.mark.parametrize("model", NAMED, ids=lambda model: model._meta.label_lower)
def test_a_name_is_made_of_the_columns_it_is_said_to_be_made_of(model, text):
    values = {model._meta.pk.attname: uuid.uuid4()} | dict.fromkeys(model.named_by, text)
    for name in model.named_by:
        if text and isinstance(model._meta.get_field(name), models.DecimalField):
            values[name] = Decimal(5)
    row = model.from_db("default", list(values), list(values.values()))
    assert row.get_deferred_fields()
    assert str(row)  # another column would be asked of the database, which has no such row
