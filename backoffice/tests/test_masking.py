"""What is masked, what is not, and how long it takes."""

import time

import pytest

from backoffice.masking import mask, mask_beginning


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+x@mail.example.co.uk, please.", "Write to [email], please."),
        ("(o'brien@example.com)", "([email])"),
        ("jürgen@exämple.de", "[email]"),
        ("4111 1111 1111 1111", "[card]"),
        ("4111-1111-1111-1111.", "[card]."),
        ("My IBAN is DE89 3704 0044 0532 0130 00", "My IBAN is [account]"),
        ("GB29NWBK60161331926819", "[account]"),
        ("SSN 123-45-6789", "SSN [ssn]"),
        ("call +1 (415) 555-0100 now", "call [phone] now"),
        ("0049 30 123456", "[phone]"),
        ("020 7946 0000", "[phone]"),
        ("+14155550100", "[phone]"),
    ],
)
def test_personal_numbers_and_addresses_are_masked(text, masked):
    assert str(mask(text)) == masked


@pytest.mark.parametrize(
    "text", ["Order 4711", "10:30 on 2 May", "99.95", "gpt-4o", "user@host", "", "日本語 12345", "v1.2.3"]
)
def test_other_text_is_left_alone(text):
    assert str(mask(text)) == text


def test_what_is_no_text_is_masked_as_text():
    assert "a@b.example" not in str(mask({"mail": "a@b.example"}))
    assert str(mask(None)) == "None"


@pytest.mark.parametrize("piece", ["x", "1", "1 ", "+", "a@", "a.", "AB12", "1-", "(", "a@b", ".", "'", "日"])
def test_time_grows_with_the_length_only(piece):
    text = piece * (500_000 // len(piece))
    started = time.monotonic()
    mask(text)
    assert time.monotonic() - started < 5


class TestBeginning:
    def test_is_masked_before_it_is_cut(self):
        assert str(mask_beginning("Mail jane@example.com and more", 15)) == "Mail [email] an"

    @pytest.mark.parametrize("length", range(5, 200, 7))
    def test_a_cut_shows_no_half_of_a_secret(self, length):
        text = "very.long.address.of.somebody@mail.example.com " * 300
        assert "very" not in str(mask_beginning(text, length))

    def test_one_endless_word_shows_nothing_cut(self):
        assert len(mask_beginning("x" * 1_000_000, 160)) <= 160

    def test_a_short_text_is_whole(self):
        assert str(mask_beginning("short text", 160)) == "short text"
