"""The session engine (settings.SESSION_ENGINE)."""

import hashlib

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone

from backoffice.sessions import limits


def hash_of(session_key):
    return hashlib.sha256(session_key.encode()).hexdigest()


class SessionStore(db.SessionStore):
    """`row` is the StaffSession as it was read, None for a new one, and `account` whose it is, read along with it.
    `ended` says why the one of the cookie holds no longer (see limits.over); it is empty then, as if nobody had signed
    in. `ended_account` is whose it was.

    `address` and `browser` are the middleware's; a new row gets them.
    """

    address = browser = ended = ""
    ended_account = row = account = None

    def __init__(self, session_key=None):
        super().__init__(session_key)
        self.signed_in = {}  # {account id: when that person signed in}

    @classmethod
    def get_model_class(cls):
        from backoffice.models import StaffSession

        return StaffSession

    def _get_session_from_db(self):
        from backoffice.sessions.person import session_with_account

        row, account = session_with_account(hash_of(self.session_key))
        if row is None or (row.account_id is None and row.expire_date <= timezone.now()):
            self._session_key = None
            return None
        if row.account_id and (why := limits.over(row)):
            self._session_key = None
            self.ended, self.ended_account = why, row.account_id
            return None
        self.row, self.account, self.signed_in = row, account, {row.account_id: row.started_at}
        return row

    def exists(self, session_key):
        return self.model.objects.filter(key_hash=hash_of(session_key)).exists()

    def create_model_instance(self, data):
        """A new row; under the same person the time of the sign-in goes on, whatever key it has."""
        now = timezone.now()
        text = data.get(SESSION_KEY)
        account = int(text) if text else None
        return self.model(
            key_hash=hash_of(self._get_or_create_session_key()),
            session_data=self.encode(data),
            expire_date=now + limits.longest_time(),
            account_id=account,
            started_at=self.signed_in.get(account, now),
            seen_at=now,
            address=self.address,
            browser=self.browser,
        )

    def save(self, must_create=False):
        if self.session_key is None:
            return self.create()
        row = self.create_model_instance(self._get_session(no_load=must_create))
        if must_create:
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
            except IntegrityError as error:
                raise CreateError from error
        else:
            self.update(row)
        self.row = row
        if row.account_id:
            self.signed_in = {row.account_id: row.started_at}

    def update(self, row):
        """Only what changed: another request may be ending the session just now, and what that wrote stays."""
        names = ["session_data", "expire_date"]
        if self.row is None or row.account_id != self.row.account_id:
            names += ["account_id", "started_at", "seen_at", "address", "browser"]
        values = {name: getattr(row, name) for name in names}
        if not self.model.objects.filter(key_hash=row.key_hash, ended_at=None).update(**values):
            raise UpdateError
        row.seen_at = row.seen_at if "seen_at" in values else self.row.seen_at

    def flush(self):
        super().flush()
        self.row, self.account, self.signed_in = None, None, {}

    def delete(self, session_key=None):
        if session_key := session_key or self.session_key:
            self.model.objects.filter(key_hash=hash_of(session_key)).delete()
