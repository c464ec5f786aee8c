"""Telephone numbers as people type them and as they are shown: E.164 inside, readable outside."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from phonenumbers import PhoneNumberFormat, ValidationResult

from telephony.countries import COUNTRIES

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
LONGEST = 100
WRONG_LENGTH = {
    ValidationResult.TOO_SHORT: "It has too few digits for a number of {}.",
    ValidationResult.TOO_LONG: "It has too many digits for a number of {}.",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "The area code is missing: from abroad nobody could dial it in {}.",
    ValidationResult.INVALID_LENGTH: "No telephone number of {} has this many digits.",
}
NO_CODE = "Give the number with its country code, such as +1 415 555 0100{}."
NONE = "This is no telephone number: give digits with a country code, such as +1 415 555 0100."


@dataclass(frozen=True)
class Reading:
    """A number as it was understood. `is_valid`: somebody may have it; else only its length is right."""

    e164: str
    readable: str
    country: str
    is_national: bool
    is_valid: bool

    @property
    def text(self):
        """How it was understood, in a sentence."""
        how = (
            ", read as a number of that country because no country code was typed" if self.is_national else ""
        )
        text = f"Understood as {self.readable} ({self.country}{how})."
        return (
            text if self.is_valid else f"{text} The length is right, but no such number is given out there."
        )


def read_number(typed, region=""):
    """The Reading of a number in any form: spaces, brackets, 00, tel:, full-width digits.

    Without a country code it is one of `region` (two letters), or else of PHONE_DEFAULT_REGION. Raises ValidationError
    with what is missing: a country code, digits; an extension is refused.
    """
    text = unicodedata.normalize("NFKC", INVISIBLE.sub("", typed or "")).strip()
    if len(text) > LONGEST:
        raise ValidationError(NONE)
    if text.lower().startswith(("tel:", "callto:")):
        text = "tel:" + unquote(text.partition(":")[2]).strip()
    region = region or settings.PHONE_DEFAULT_REGION
    bare = text.removeprefix("tel:").lstrip()
    if re.match(r"\(?00", bare) and not (region and text.startswith("tel:")):
        text = "+" + re.sub(r"^\(?00\)?", "", bare)
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        raise ValidationError(parse_fault(error, text, region)) from None
    if number.extension:
        raise ValidationError(
            f"The extension “{number.extension}” cannot be part of it: callers dial it afterwards. "
            "Give the number alone."
        )
    country = country_of(number)
    fault = WRONG_LENGTH.get(phonenumbers.is_possible_number_with_reason(number))
    if fault:
        raise ValidationError(fault.format(country))
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not E164.fullmatch(e164):
        raise ValidationError(NONE)
    return Reading(
        e164,
        readable(e164),
        country,
        is_national="+" not in text and not re.sub(r"\D", "", text).startswith(e164[1:]),
        is_valid=phonenumbers.is_valid_number(number),
    )


def parse_fault(error, text, region):
    if error.error_type == error.INVALID_COUNTRY_CODE:
        if text.removeprefix("tel:").lstrip().startswith("+"):
            return "No country has this country code."
        digits = re.sub(r"\D", "", text)
        meant = readable(f"+{digits}")
        return NO_CODE.format(
            f", or say which country it is of; if it has one already: {meant}" if len(digits) > 9 else ""
        )
    return NONE


def country_of(number):
    """The name of its country; the code where several countries share one and the number tells no single one."""
    regions = phonenumbers.region_codes_for_country_code(number.country_code)
    if len(regions) > 1:
        regions = [region for region in regions if phonenumbers.is_valid_number_for_region(number, region)]
    name = COUNTRIES.get(regions[0]) if len(regions) == 1 else None
    return name or f"country code +{number.country_code}"


def region_of(text):
    """The two letters of a country: as typed, or by its country code ("+44"). Raises ValidationError."""
    text = text.strip().upper()
    text = "GB" if text == "UK" else text  # as people call it
    if text in phonenumbers.SUPPORTED_REGIONS:
        return text
    code = text.lstrip("+").removeprefix("00")
    region = (
        phonenumbers.region_code_for_country_code(int(code)) if re.fullmatch(r"[0-9]{1,3}", code) else "ZZ"
    )
    if region in ("ZZ", "001"):
        raise ValidationError(
            "Give the two letters of a country, such as GB or DE, or its country code, such as +44."
        )
    return region


def to_e164(typed, region=""):
    """A number as typed, in E.164. Raises ValidationError, as read_number does."""
    return read_number(typed, region).e164


@lru_cache(maxsize=4096)
def readable(text):
    """A number in E.164 with spaces, as people write it; any other text as it is."""
    if not isinstance(text, str) or not E164.fullmatch(text):
        return text
    try:
        return phonenumbers.format_number(phonenumbers.parse(text), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return text


def same_digits(text):
    """The digits of a stored number, without a leading 00: equal where two rows are one number in two forms."""
    return re.sub(r"[^0-9]", "", text or "").removeprefix("00")
