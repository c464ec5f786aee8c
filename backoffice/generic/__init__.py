"""Pages of one model: list, detail, create, edit, delete, action. A subclass says which model and what to show.

Each derives its permission from model and action and refuses everybody else; each writes through backoffice.services.
"""

from backoffice.generic.actions import ActionView, DeleteView, blocker_words
from backoffice.generic.editing import CreateView, FormPage, UpdateView
from backoffice.generic.lists import PAGE_SIZE, ListView, Order, by_id, by_time
from backoffice.generic.page import ModelPage, ObjectPage, safe_next
from backoffice.generic.records import DetailView

__all__ = [
    "PAGE_SIZE",
    "ActionView",
    "CreateView",
    "DeleteView",
    "DetailView",
    "FormPage",
    "ListView",
    "ModelPage",
    "ObjectPage",
    "Order",
    "UpdateView",
    "blocker_words",
    "by_id",
    "by_time",
    "safe_next",
]
