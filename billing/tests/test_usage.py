"""Usage records: looked at, and told apart by whether a cost was ever recorded."""

from agents.tests.factories import make_agent, make_session
from backoffice.testing_crud import PageTests, check_page
from billing.models import UsageLog
from billing.tests.factories import make_usage
from tenants.tests.factories import make_organization

LIST = "/billing/usage/"


class TestUsagePages(PageTests):
    model = UsageLog

    def make(self, n):
        return make_usage(tokens_used=n)


def test_missing_costs_are_said_and_found(support_client):
    unpriced, priced, empty = make_usage(), make_usage(cost_usd="0.0123"), make_usage(tokens_used=0)
    assert "No cost is recorded for these tokens." in check_page(
        support_client.get(unpriced.get_absolute_url())
    )
    assert "No cost is recorded" not in check_page(support_client.get(priced.get_absolute_url()))
    rows = lambda **params: set(support_client.get(LIST, params).context["rows"])  # noqa: E731
    assert (rows(priced="no"), rows(priced="yes"), rows()) == (
        {unpriced},
        {priced},
        {unpriced, priced, empty},
    )
    assert "not recorded" in check_page(support_client.get(LIST))


def test_usage_charged_to_another_tenant_than_the_agents_is_said(support_client):
    agent, payer = make_agent(), make_organization()
    usage = make_usage(agent, organization_id=payer.pk)
    assert "belongs to another organization" in check_page(support_client.get(usage.get_absolute_url()))


def test_search_is_by_session_organization_agent_and_model(support_client):
    session = make_session()
    usage = make_usage(session.agent, session=session, model_used="gpt-9")
    make_usage()
    for q in (session.pk, usage.organization_id, session.agent_id, "gpt-9"):
        assert support_client.get(LIST, {"q": str(q)}).context["rows"] == [usage], q
