from django.db.models import OuterRef, Subquery, TextField

from backoffice.tables import Column, Table
from tenants.forecast import days_left
from tenants.models import AttentionItem, Care, Erasure, Note, Organization, UserProfile


class OrganizationTable(Table):
    name = Column(order="name")
    owner = Column("Owner")
    tier = Column("Tier", accessor="owner__subscription_tier")
    credits_balance = Column("Balance", order="balance", numeric=True)
    created_at = Column("Created", order="created")
    lasts_7 = Column(
        "Days left (7 days)", numeric=True, shown=False, needs=["forecast__per_day_7"], export=days_left(7)
    )
    lasts_28 = Column(
        "Days left (28 days)", numeric=True, shown=False, needs=["forecast__per_day_28"], export=days_left(28)
    )
    owner_name = Column("Owner's name", accessor="owner__full_name", shown=False)
    owner_company = Column("Owner's company", accessor="owner__company_name", shown=False)
    owner_phone = Column("Owner's phone", accessor="owner__phone_number", shown=False)

    class Meta(Table.Meta):
        model = Organization
        fields = []
        rows = "tenants/organization_rows.html"


class UserProfileTable(Table):
    email = Column("E-mail", order="email")
    full_name = Column("Name")
    company_name = Column("Company")
    phone_number = Column("Phone")
    subscription_tier = Column("Tier")
    stripe_subscription_id = Column("Stripe subscription", shown=False)
    created_at = Column("Created", order="created")

    class Meta(Table.Meta):
        model = UserProfile
        fields = []
        rows = "tenants/userprofile_rows.html"


class NoteTable(Table):
    text = Column("Note")
    organization = Column("Tenant", export="organization_name")
    ticket = Column("Ticket")
    author_name = Column("Written by")
    created_at = Column("Written", order="created")

    class Meta(Table.Meta):
        model = Note
        fields = []
        rows = "tenants/note_rows.html"


class AttentionTable(Table):
    organization_name = Column("Tenant")
    text = Column("Sign", order="worst")
    first_seen_at = Column("Since", order="oldest")
    assignee = Column(
        "Assigned to",
        export=Subquery(
            Care.objects.filter(organization=OuterRef("organization_id")).values("assignee_name")[:1],
            output_field=TextField(),
        ),
    )
    act = Column("Act", export=False)

    class Meta(Table.Meta):
        model = AttentionItem
        fields = []
        rows = "tenants/attentionitem_rows.html"


class ErasureTable(Table):
    subject = Column("Person")
    created_at = Column("Asked for", order="created")
    owner = Column("By", export="owner__email")
    status = Column("Status")
    erased_at = Column("Erased")

    class Meta(Table.Meta):
        model = Erasure
        fields = []
        rows = "tenants/erasure_rows.html"
