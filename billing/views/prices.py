"""The price table: what 1,000 tokens of a model cost from a day on. Prices are added and corrected, never deleted."""

from django.db.models import F
from django.urls import reverse
from django.utils.http import urlencode

from backoffice import generic
from billing.filters import PriceFilter
from billing.forms import PriceForm
from billing.models import Price
from billing.settlement.prices import looked_back_to, models_without_price
from billing.tables import PriceTable


class PriceList(generic.ListView):
    model = Price
    table_class = PriceTable
    filterset_class = PriceFilter
    orders = {"model": generic.Order(F("model"), rises_first=True)}
    note = (
        "USD per 1,000 tokens, input and output blended. A price holds from its day until the next one of the same "
        "model, which is compared letter by letter."
    )
    nothing_yet = "Usage without a cost can be estimated once its model has a price."

    def extra_context(self):
        return {"missing_url": self.url("missing")}


class PriceMissing(generic.ModelPage):
    """The models that are used without a price, as a page and as the panel under the price table. To find them all
    usage of three months is read, for which the table does not wait.
    """

    model = Price
    action = "view"
    page = "missing"

    def get(self, request):
        context = {
            "page_title": "Models without a price",
            "crumbs": self.crumbs(),
            "without": models_without_price(),
            "since": looked_back_to(),
            "add_url": self.url("add") if self.can("add") else "",
        }
        template = "billing/price_missing.html" if request.htmx else "billing/price_missing_page.html"
        return self.render(context, template=template)


class PriceDetail(generic.DetailView):
    model = Price
    fields = ["model", "valid_from", "usd_per_1000", "id"]

    def extra_context(self):
        return {
            "usage_url": f"{reverse('billing:usagelog_list')}?{urlencode({'model': self.object.model, 'priced': 'no'})}"
        }


class PriceForms:
    model = Price
    form_class = PriceForm


class PriceCreate(PriceForms, generic.CreateView):
    pass


class PriceUpdate(PriceForms, generic.UpdateView):
    after_saving = "What was settled at the price before stays as it is."
