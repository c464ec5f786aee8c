from django.db.models import F

from backoffice import generic
from billing.filters import CreditLimitFilter
from billing.forms import CreditLimitForm
from billing.models import CreditLimit
from billing.tables import CreditLimitTable


class CreditLimitList(generic.ListView):
    model = CreditLimit
    title = "Limits"
    table_class = CreditLimitTable
    filterset_class = CreditLimitFilter
    orders = {"name": generic.Order(F("name"), rises_first=True)}
    note = (
        "What one person of a role may post without a second one, in credits, signs left out. What is above waits for"
        " approval. A role that is not listed posts nothing alone. Admins change limits."
    )


class CreditLimitDetail(generic.DetailView):
    model = CreditLimit
    fields = ["name", "per_posting", "per_day", "id"]


class CreditLimitUpdate(generic.UpdateView):
    model = CreditLimit
    form_class = CreditLimitForm
    after_saving = "It holds from now on."
