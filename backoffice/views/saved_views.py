"""Pages of saved views: save what a list shows under a name, open, change, share and delete it."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect
from django.utils.functional import cached_property
from django.views import View

from backoffice import saved_views
from backoffice.generic.lists import open_list
from backoffice.generic.memory import ALL, address_of, list_url
from backoffice.models import ListChoice, SavedView
from backoffice.views.lists import ListPage


class ViewForm(forms.ModelForm):
    opens = forms.BooleanField(label="Open the list with it", required=False, help_text="For you alone.")
    replace = forms.BooleanField(
        label="Keep what the list shows now: its filters, order and columns", required=False
    )

    class Meta:
        model = SavedView
        fields = ["name", "shared"]
        labels = {"shared": "Share it with everybody who may see the list"}


class ViewAdd(ListPage):
    """Save what the list shows as a view."""

    template = "backoffice/list_view_form.html"

    def form(self, **kwargs):
        form = ViewForm(instance=SavedView(owner=self.request.user, list_name=self.list_name), **kwargs)
        del form.fields["replace"]
        return form

    def get(self, request):
        return self.ask(self.form())

    def post(self, request):
        form = self.form(data=request.POST)
        if form.is_valid():
            saved_views.take_state(form.instance, self.list)
            try:
                view = saved_views.save_view(form.instance, actor=request.user)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                if form.cleaned_data["opens"]:
                    saved_views.open_with(request.user, self.list_name, view)
                messages.success(request, f"The view “{view}” was saved.")
                return HttpResponseRedirect(opened(view))
        return self.ask(form, 422)

    def ask(self, form, status=200):
        return self.show({"page_title": "Save as a view", "form": form, "submit": "Save the view"}, status)


def opened(view):
    return list_url(view.list_name, address_of(view.query, view.columns, view.pk))


def known_view(user, pk):
    """One's own view, or a shared one of a list that this person may see; Http404 for everybody else's."""
    view = saved_views.visible_view(user, pk)
    if view.owner_id != user.pk:
        try:
            open_list(view.list_name, user)
        except PermissionDenied:
            raise Http404("There is no such view.") from None
    return view


class ViewPage(ListPage):
    """A page about one view, of a list that the reader may see. The address says what the list shows."""

    model = SavedView

    def dispatch(self, request, pk):
        self.view = known_view(request.user, pk)
        return super().dispatch(request, list_name=self.view.list_name)

    @cached_property
    def is_default(self):
        return self.list.memory.view(str(self.view.pk)).is_default


class ViewOpen(View):
    """The lasting address of a view."""

    model = SavedView

    def get(self, request, pk):
        view = known_view(request.user, pk)
        open_list(view.list_name, request.user)
        return HttpResponseRedirect(opened(view))


class ViewEdit(ViewPage):
    """Rename, share, replace and delete a view, or make it the one that the list opens with."""

    template = "backoffice/list_view_form.html"

    def form(self, **kwargs):
        form = ViewForm(instance=self.view, initial={"opens": self.is_default}, **kwargs)
        if not saved_views.may_change(self.request.user, self.view):
            for name in ("name", "shared", "replace"):
                del form.fields[name]
        elif not self.list.memory.view(str(self.view.pk)).differs(self.list.state()):
            del form.fields["replace"]
        return form

    def get(self, request):
        return self.ask(self.form())

    def post(self, request):
        form = self.form(data=request.POST)
        if form.is_valid():
            try:
                self.save(form)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, f"The view “{self.view}” was saved.")
                return HttpResponseRedirect(opened(self.view))
        return self.ask(form, 422)

    def save(self, form):
        if form.cleaned_data.get("replace"):
            saved_views.take_state(self.view, self.list)
        if "name" in form.fields:
            saved_views.save_view(self.view, actor=self.request.user)
        if form.cleaned_data["opens"] != self.is_default:
            chosen = self.view if form.cleaned_data["opens"] else None
            saved_views.open_with(self.request.user, self.list_name, chosen)

    def ask(self, form, status=200):
        mine = saved_views.may_change(self.request.user, self.view)
        context = {
            "page_title": "Change the view" if mine else "View of a colleague",
            "form": form,
            "submit": "Save",
            "saved_view": self.view,
            "may_delete": mine,
        }
        return self.show(context, status)


class ViewDelete(ViewPage):
    template = "backoffice/list_view_delete.html"

    def dispatch(self, request, pk):
        if not saved_views.may_change(request.user, known_view(request.user, pk)):
            raise PermissionDenied(saved_views.NOT_YOURS)
        return super().dispatch(request, pk)

    def get(self, request):
        used = ListChoice.objects.filter(default_view=self.view).exclude(user=request.user).count()
        context = {"page_title": f"Delete the view “{self.view}”", "saved_view": self.view, "used": used}
        return self.show(context)

    def post(self, request):
        saved_views.delete_view(self.view, actor=request.user)
        messages.success(request, f"The view “{self.view}” was deleted.")
        return HttpResponseRedirect(self.list_url(f"view={ALL}"))
