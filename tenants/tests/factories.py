"""Rows as the platform would have made them. Every value that has to differ is numbered, so that runs repeat."""

import itertools
import json
import uuid

from django.db import connection
from django.utils import timezone

from backoffice import services
from backoffice.testing import platform_role
from tenants.models import AttentionItem, Erasure, Note, Organization, UserProfile

_serial = itertools.count(1)


def serial():
    return next(_serial)


def numbered_id(number):
    """A UUID whose first eight digits show the number."""
    return uuid.UUID(int=number << 96, version=4)


def insert(model, **fields):
    """One row, inserted by the platform; what is not given gets the database's default."""
    fields = {"id": numbered_id(serial()), **fields}
    with platform_role():
        return model.objects.create(**fields)


def change(obj, **fields):
    """Changes columns of a row behind the back office's back, and reads it again."""
    with platform_role():
        type(obj).objects.filter(pk=obj.pk).update(**fields)
        obj.refresh_from_db()
    return obj


def make_login(email=None, **metadata):
    """Signs somebody up; returns the login's id. The sign-up makes a profile and one organization, as in reality.

    `metadata` is what the sign-up form sends: full_name, company_name.
    """
    number = serial()
    login = numbered_id(number)
    with platform_role(), connection.cursor() as cursor:
        cursor.execute(
            "insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, %s::jsonb)",
            [login, email or f"owner{number}@example.test", json.dumps(metadata)],
        )
    return login


def make_profile(**fields):
    """The profile of a new login, which owns one organization too."""
    number = serial()
    login = make_login(fields.pop("email", None), full_name=fields.pop("full_name", f"Owner {number}"))
    return change(UserProfile.objects.get(pk=login), **fields)


def make_organization(**fields):
    """An organization: the one of a new login, or one more if an `owner` (profile) or `owner_id` is given."""
    fields.setdefault("name", f"Tenant {serial()}")
    if "owner" in fields or "owner_id" in fields:
        return insert(Organization, **fields)
    login = make_login(company_name=fields["name"])
    return change(Organization.objects.get(owner_id=login), **fields)


def make_note(organization=None, author=None, **fields):
    """A note of a member of staff, or of one whose account is gone."""
    organization = organization or make_organization()
    fields = {"text": f"Note {serial()}", "organization_name": organization.name, **fields}
    who = {"author_id": author.pk, "author_name": str(author)} if author else {"author_name": "Somebody"}
    return insert(Note, organization=organization, **who, **fields)


def make_item(organization=None, **fields):
    """A sign in the queue, as the look-up would have put it there."""
    organization = organization or make_organization()
    number = serial()
    fields = {
        "kind": "no_credit",
        "cause": f"cause:{number}",
        "text": f"Sign {number}",
        "url": organization.get_absolute_url(),
        "position": number,
        "first_seen_at": timezone.now(),
        "last_seen_at": timezone.now(),
        "organization_name": organization.name,
        **fields,
    }
    return insert(AttentionItem, organization=organization, **fields)


def make_erasure(owner, **fields):
    """A finished search for a person that found nothing."""
    fields = {"status": "found", "subject": "a•••@•••.test", "reason": "Request", **fields}
    with services.acting(owner):
        return Erasure.objects.create(owner=owner, searched_at=timezone.now(), **fields)
