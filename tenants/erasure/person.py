"""The person who is searched: mail address, phone number, or both."""

import hashlib
import re
from dataclasses import asdict, dataclass
from urllib.parse import unquote

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

GAPS = " ()./+-\u00a0\u2010\u2011\u2012\u2013\u2014\u2015\t\n\r\f\v"


@dataclass(frozen=True)
class Person:
    """`phone` are the digits with country code, `national` those without it, if numbers written so count too."""

    mail: str = ""
    phone: str = ""
    national: str = ""

    @property
    def arguments(self):
        """For the functions of the database: mail, phone, national."""
        return [self.mail or None, self.phone or None, self.national or None]

    @property
    def digits(self):
        return self.national or self.phone

    @property
    def terms(self):
        return [term for term in (self.mail, self.phone) if term]

    def masked(self):
        """Enough to recognise by whoever knows: "a•••@•••.de, +49•••67"."""
        parts = []
        if self.mail:
            local, _, domain = self.mail.rpartition("@")
            parts.append(f"{local[0]}•••@•••.{domain.rpartition('.')[2]}")
        if self.phone:
            parts.append(
                f"+{self.phone[: len(self.phone) - len(self.national or self.phone[1:])]}•••{self.phone[-2:]}"
            )
        return ", ".join(parts)

    def fingerprints(self):
        """Hashes that only this installation can make (its SECRET_KEY is in them)."""
        return [salted_hmac("tenants.erasure", term, algorithm="sha256").hexdigest() for term in self.terms]

    def is_named_in(self, text):
        """A coarse look: whether the text contains the address or the digits, whatever stands beside them."""
        text = text.lower()
        texts = [text, unquote(text)] if "%" in text else [text]  # what stands in the address of a page
        if self.mail and any(self.mail in one for one in texts):
            return True
        gaps = dict.fromkeys(map(ord, GAPS))
        return bool(self.digits) and any(self.digits in one.translate(gaps) for one in texts)

    def is_typed(self, text):
        """Whether somebody typed the address or the number to confirm it."""
        digits = re.sub(r"\D", "", text)
        return text.strip().lower() == self.mail != "" or (bool(self.phone) and digits == self.phone)

    def patterns(self):
        """What is searched, in words."""
        found = []
        if self.mail:
            found.append(
                "the mail address as a whole, in upper or lower case, also as %40 in addresses of pages; not inside a "
                "longer address"
            )
        if self.phone:
            found.append(
                "the phone number with its country code, after +, 00, 011 or nothing, with spaces, dots, dashes, "
                "slashes or brackets between the digits; not inside a longer number"
            )
        if self.national:
            found.append(
                "the phone number without country code, with or without a leading 0, unless another country's code "
                "stands before it"
            )
        return found

    def stored(self):
        return asdict(self)


def person_of(mail, phone, *, with_national=True):
    """The Person of what was typed; raises ValidationError by field."""
    errors = {}
    digits = national = ""
    if phone.strip():
        try:
            digits, national = phone_digits(phone)
        except ValidationError as error:
            errors["phone"] = error
    if errors:
        raise ValidationError(errors)
    return Person(mail.strip().lower(), digits, national if with_national else "")


def phone_digits(text):
    """(digits with country code, digits without it) of a number in any format that says its country."""
    text = text.strip()
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", text), None)
    except phonenumbers.NumberParseException:
        raise ValidationError("Give the number with its country code, such as +49 170 1234567.") from None
    national = phonenumbers.national_significant_number(number)
    digits = f"{number.country_code}{national}"
    if not 7 <= len(digits) <= 15 or len(national) < 6:
        raise ValidationError("This is no whole phone number.")
    return digits, national


def checksum(data):
    return hashlib.sha256(data.encode()).hexdigest()
