from backoffice import generic
from billing.forms import PostCreditForm
from billing.models import CreditTransaction
from billing.services import post_credit
from tenants.models import Organization


class PostCredit(generic.ActionView):
    """Adjust a balance. The address is the organization's; the right is that of the ledger."""

    model = Organization
    permission = "billing.post_credit"
    service = staticmethod(post_credit)
    form_class = PostCreditForm
    template_name = "billing/post_credit.html"
    label = "Adjust credits"
    icon = "coins"
    success = "The balance of {object} was adjusted."

    def done(self, result):
        self.object.refresh_from_db()
        return super().done(result)

    def context(self):
        recent = CreditTransaction.objects.filter(organization_id=self.object.pk)[:5]
        return {"recent": recent}
