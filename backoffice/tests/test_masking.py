"""What is masked, however it is written; what stays readable; where it was; and that time grows with the length only."""

import random
import re
import time
from re import _constants, _parser

import phonenumbers
import pytest
from django.utils.safestring import SafeString, mark_safe

from backoffice import masking
from backoffice.masking import identifiers, mask, mask_beginning, masked_counts, pieces

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # mail addresses
        ("Write to jane.doe+x@mail.example.co.uk, please.", "Write to [email], please."),
        ("(o'brien@example.com)", "([email])"),
        ("'anna@example.com' or **anna@example.com**", "'[email]' or **[email]**"),
        ("o’brien@example.com", "[email]"),
        ("jürgen@exämple.de", "[email]"),
        ("用户@例子.公司", "[email]"),
        ("अन्ना@उदाहरण.भारत", "[email]"),
        ("mailto:anna@example.com?subject=x", "mailto:[email]?subject=x"),
        ("https://x.example/?mail=anna%40example.com&a=1", "https://x.example/?mail=[email]&a=1"),
        ("anna%2Bx%2540example.com", "[email]"),
        ("anna&#64;example.com anna&#x40;example.com anna&commat;example.com", "[email] [email] [email]"),
        ("anna(at)example.com", "[email]"),
        ("anna (AT) example (DOT) com", "[email]"),
        ("anna [at] example [dot] com!", "[email]!"),
        ("anna{at}example{.}com", "[email]"),
        ("anna @ example.com", "[email]"),
        ("anna@example. com", "[email]"),
        ("my address is anna at example dot com, thanks", "my address is [email], thanks"),
        ("anna dot smith at mail dot example dot org", "[email]"),
        ("it's anna at gmail.com", "it's [email]"),
        ("anna arroba ejemplo punto es", "[email]"),
        ("anna ät beispiel punkt de", "[email]"),
        ("анна собака пример.рф", "[email]"),
        ("メールはanna@example.comです。", "メールは[email]です。"),
        ("อีเมลanna@example.comครับ", "อีเมล[email]ครับ"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[email]"),
        ("𝐚𝐧𝐧𝐚@example.com", "[email]"),
        ("anna﹫example.com", "[email]"),
        ("an\u200bna@exam\u00adple.c\u2060om", "[email]"),
        ("a\u0336n\u0336n\u0336a\u0336@\u0336example.com", "[email]"),
        ("anna\u202e@\u202cexample.com", "[email]"),
        ("anna d\u200bot b at example dot com", "[email]"),
        ("07911123456@example.com", "[email]"),
        # bank accounts
        ("My IBAN is DE89 3704 0044 0532 0130 00", "My IBAN is [account]"),
        ("GB29NWBK60161331926819", "[account]"),
        ("de89370400440532013000", "[account]"),
        ("NL91-ABNA-0417-1643-00 and more", "[account] and more"),
        ("FR14 2004 1010 0505 0001 3M02 606.", "[account]."),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "[account]"),
        ("NO93 8601 1117 947, BE68 5390 0754 7034", "[account], [account]"),
        ("ＤＥ８９ 3704\u00a00044\u20090532\u200b0130 00", "[account]"),
        ("DE88 3704 0044 0532 0130 00", "[account]"),  # a wrong check digit
        # cards
        ("4111 1111 1111 1111", "[card]"),
        ("4111-1111-1111-1111.", "[card]."),
        ("4111111111111111", "[card]"),
        ("3782 822463 10005", "[card]"),
        ("4111\u20111111\u20121111\u20131111", "[card]"),
        ("4111 1111 1111 1111 020 7946 0018", "[card] [phone]"),
        # US social security numbers
        ("SSN 123-45-6789", "SSN [ssn]"),
        ("123 45 6789, 123.45.6789", "[ssn], [ssn]"),
        # telephone numbers
        ("call +1 (415) 555-0100 now", "call [phone] now"),
        ("0049 30 123456", "[phone]"),
        ("020 7946 0000", "[phone]"),
        ("+14155550100", "[phone]"),
        ("+44 (0)20 7946 0018", "[phone]"),
        ("(020 7946 0018)", "([phone])"),
        ("+1 (415) - 555 - 0100", "[phone]"),
        ("555-0100", "[phone]"),
        ("06 12 34 56 78 / 01.12.45.67.89", "[phone] / [phone]"),
        ("0 7 9 1 1 1 2 3 4 5 6", "[phone]"),
        ("020, 7946, 0018, after 2 pm", "[phone], after 2 pm"),
        ("0_7_9_1_1_1_2_3_4_5_6", "[phone]"),
        ("07911\n123\n456", "[phone]"),
        ("tel07911123456now", "tel[phone]now"),
        ("Die Nummer ist 0176/12345678.", "Die Nummer ist [phone]."),
        ("электронная +7 (495) 123-45-67", "электронная [phone]"),
        ("電話は０９０ー１２３４ー５６７８です", "電話は[phone]です"),
        ("电话是13812345678请", "电话是[phone]请"),
        ("โทร๐๘๑๒๓๔๕๖๗๘ครับ", "โทร[phone]ครับ"),
        ("फोन ९८७६५ ४३२१०", "फोन [phone]"),
        ("اتصل ٠٥٥ ١٢٣ ٤٥٦٧", "اتصل [phone]"),
        ("\u202b+٤٤ ٢٠ ٧٩٤٦ ٠٠١٨\u202c", "\u202b[phone]\u202c"),
        ("0\u200b7\u200c9\u200d1\u20601\ufeff1\u00ad2\u034f3456", "[phone]"),
        ("0\u033679\u033611 1\u033623456\u0336.", "[phone]."),
        ("0️⃣7️⃣9️⃣1️⃣1️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣!", "[phone]!"),
        ("⓪⑦⑨①①①②③④⑤⑥", "[phone]"),
        ("𝟎𝟕𝟗𝟏𝟏 𝟏𝟐𝟑𝟒𝟓𝟔", "[phone]"),
        ("0\x017\x029\x0311\x04123456", "[phone]"),
        ("+44\u00a020\u20117946\u30000018", "[phone]"),
        ("020·7946•0018", "[phone]"),
        ("Order 07911123456789012345678901234567890", "Order [phone]"),
        # several side by side
        ("020 7946 0018 020 7946 0019", "[phone] [phone]"),
        ("555-0100\n555-0101\n555-0102", "[phone]\n[phone]\n[phone]"),
        ("020 7946 0018 / 020 7946 0019", "[phone] / [phone]"),
        ("+442079460018+442079460019", "[phone][phone]"),
        ("020 7946 0018 2025-11-26 12:30", "[phone] 2025-11-26 12:30"),
        ("020 7946 0018 10:30", "[phone] 10:30"),
        ("020 7946 0018, 2 pm", "[phone], 2 pm"),
        ("at 10:30 020 7946 0018", "at 10:30 [phone]"),
        ("2025-11-26 07911123456", "2025-11-26 [phone]"),
        ("€5, 07911123456", "€5, [phone]"),
        ("a@b.example,020 7946 0018", "[email],[phone]"),
        # id numbers
        ("QQ 12 34 56 C", "[id]"),
        ("ab123456d.", "[id]."),
        ("12345678Z, 12.345.678-Z, X-1234567-L", "[id], [id], [id]"),
        ("2345 6789 0123", "[id]"),
        ("ABCPE1234F", "[id]"),
        ("RSSMRA85T10A562S", "[id]"),
        ("HEGG560427MVZRRL04", "[id]"),
        ("11010519491231002X", "[id]"),
        ("123.456.789-09", "[id]"),
        ("passport no. X1234567", "passport no. [id]"),
        ("My passport number is 12AB34567.", "My passport number is [id]."),
        ("Reisepass C01X00T47", "Reisepass [id]"),
        ("pasaporte: AAA123456", "pasaporte: [id]"),
        ("护照号码E12345678", "护照号码[id]"),
        ("パスポートはTK1234567です", "パスポートは[id]です"),
        ("паспорт 123456", "паспорт [id]"),
    ],
)
def test_personal_numbers_and_addresses_are_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        *("Order 4711", "10:30 on 2 May", "99.95", "gpt-4o", "user@host", "", "日本語 12345", "v1.2.3"),
        # dates and times
        *(
            "2025-11-26",
            "12:30:05",
            "12:30:05.123456",
            "26.11.2025 14:30",
            "26. 11. 2025",
            "11/26/2025, 9:30",
        ),
        *(
            "2025-11-26T12:30:05.123456+00:00",
            "2025-11-26 12:30:05 +0100",
            "20251126T123005Z",
            "26/11/25 10:30",
        ),
        *(
            "2025/11/26",
            "2025.11.26",
            "2025-11-26 - 2025-11-30",
            "log_2025-11-26.txt",
            "on 2025-11-26, 3 people",
        ),
        *(
            "9.00 - 17.30",
            "08:30-12:00, 13:30-18:00",
            "9.00-12.00 13.00-18.00",
            "２０２５年１１月２６日",
            "٢٦/١١/٢٠٢٥",
        ),
        # prices and other numbers
        *(
            "1,299.00",
            "$1,299.00 to $2,500.00",
            "$12,345,678.90",
            "1.250.000,00 €",
            "1 250 000 €",
            "Rs. 1,25,000",
        ),
        *("1000-1500 €", "EUR 1.250.000", "1,299.00 20 pieces", "0.87654321", "3.14159", "50 % of 12,5 kg"),
        *("sizes 10, 12, 14, 16", "rooms 101, 102 and 1203", "£5", "½ of ② and x²"),
        # what machines write
        *(UUID, f"session_{UUID}", "session_1765000000000_k3j9x2m1q", "session_1765000000000_000000001"),
        *(
            "ORD-2025-001234",
            "cus_9s6XKzkNRiz8i3",
            "deadbeef00112233",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
        ),
        *(
            "v2024.11.26.1",
            "Chrome/120.0.6099.109 Safari/537.36",
            "react@18.2.0",
            "01HZX3K4M5N6P7Q8R9S0T1V2W3",
        ),
        # words
        *(
            "look at the point",
            "meet me at 5",
            "we are at home dot",
            "What is @ and what is (at)?",
            "a dot com",
        ),
        *("DE12 is a model, GB29 another", "at 12 people came", "passport photos cost 12", "❤️ 👨‍👩‍👧 ☎️ 10"),
        *("नमस्ते दुनिया", "สวัสดีครับ 12", "مرحبا ١٢٣", "naïve Zoë e\u0301", "3️⃣ apples", "ＡＢＣ"),
    ],
)
def test_other_text_is_left_alone(text):
    assert mask(text) == text


def test_no_telephone_number_of_any_country_is_left():
    """As each country's plan has them, in the usual forms and with other spaces and dashes, beside other text."""
    formats = phonenumbers.PhoneNumberFormat
    written = set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            number = phonenumbers.example_number_for_type(region, kind)
            for form in (formats.E164, formats.INTERNATIONAL, formats.NATIONAL) if number else ():
                text = phonenumbers.format_number(number, form)
                written |= {
                    text,
                    re.sub(r"\D", "", text),
                    *(text.replace(" ", gap) for gap in "-./\u2009\u2011"),
                }
    written = {text for text in written if len(re.findall(r"\d", text)) >= 7}
    assert len(written) > 3000
    around = ("call {} now", "({})", "電話{}です", "is:{}, ok", "'{}'")
    shown = {text: mask(words.format(text)) for text in written for words in around}
    assert not {text: masked for text, masked in shown.items() if re.search(r"\d", masked)}


def test_what_is_no_text_is_masked_as_text():
    assert "a@b.example" not in mask({"mail": "a@b.example"})
    assert mask(None) == "None" and mask(4155550100) == "[phone]"
    assert pieces(None) == [] and identifiers(4155550100) == ["number:155550100"]


def test_what_was_marked_safe_is_not_once_it_is_masked():
    assert not isinstance(mask(mark_safe("a@b.example <b>")), SafeString)


class TestPieces:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (
                "x anna@example.com, +44 20 7946 0018",
                [("anna@example.com", "email"), ("+44 20 7946 0018", "phone")],
            ),
            (
                "é\u200b 0\u200b7\u200b911 123456\u0336, e\u0301",
                [("0\u200b7\u200b911 123456\u0336", "phone")],
            ),
            ("हिन्दी ९८७६५ ४३२१० है", [("९८७६५ ४३२१०", "phone")]),
            ("İ ﬁ ß 020 7946 0018", [("020 7946 0018", "phone")]),
            ("nothing", []),
        ],
    )
    def test_are_places_of_the_text_as_it_was(self, text, found):
        assert [(text[start:end], kind) for start, end, kind in pieces(text)] == found

    def test_are_in_order_and_apart_whatever_is_written(self):
        words = [
            *(
                "a",
                "1",
                "0",
                "20",
                "7946",
                "+44",
                "(",
                ")",
                "-",
                ".",
                ",",
                "/",
                "@",
                "at",
                "dot",
                "com",
                "[",
                "%",
                "40",
            ),
            *(
                "de89",
                "gb29",
                "x@y.zz",
                "é",
                "電",
                "٣",
                "2025-11-26",
                ":",
                "€",
                "\u0301",
                "\u200b",
                "_",
                "\n",
            ),
        ]
        dice = random.Random(1)
        for _ in range(10_000):
            text = dice.choice(["", " "]).join(dice.choices(words, k=dice.randint(1, 12)))
            last = 0
            for start, end, kind in pieces(text):
                assert last <= start < end <= len(text) and kind, text
                last = end
            assert len(identifiers(text)) == len(pieces(text)) == masked_counts(text).total()

    def test_are_counted(self):
        assert masked_counts("a@b.example b@b.example 020 7946 0018") == {"email": 2, "phone": 1}
        assert masked_counts("nothing") == {}


class TestIdentifiers:
    @pytest.mark.parametrize(
        ("key", "texts"),
        [
            (
                "number:079460018",
                *(
                    [
                        "+44 20 7946 0018",
                        "020 79460018",
                        "00442079460018",
                        "+44 (0)20-7946-0018",
                        "٠٢٠ ٧٩٤٦ ٠٠١٨",
                    ],
                ),
            ),
            ("number:5550100", ["555-0100", "５５５．０１００"]),
            ("number:111111111", ["4111 1111 1111 1111", "4111111111111111"]),
            ("number:123456789", ["123-45-6789", "123 45 6789"]),
            ("number:567890123", ["2345 6789 0123", "2345-6789-0123"]),
            ("id:DE89370400440532013000", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"]),
            ("id:QQ123456C", ["QQ 12 34 56 C", "qq123456c"]),
            ("id:12345678Z", ["12345678Z", "12.345.678-z"]),
            ("id:X1234567", ["passport x1234567", "Passport: X 1234567"]),
            (
                "mail:anna.smith@example.com",
                *(
                    [
                        *(
                            "Anna.Smith@Example.COM",
                            "anna.smith (at) example (dot) com",
                            "anna.smith%40example.com",
                        ),
                        *(
                            "anna dot smith at example dot com",
                            "an\u200bna.smith@example.com",
                            "anna.smith&#64;example.com",
                        ),
                        *(
                            "ａｎｎａ．ｓｍｉｔｈ＠ｅｘａｍｐｌｅ．ｃｏｍ",
                            "a\u0336nna.smith@example.com",
                            "anna.smith @ example. com",
                        ),
                    ],
                ),
            ),
            ("mail:jürgen@exämple.de", ["Jürgen@Exämple.de", "ju\u0308rgen@exa\u0308mple.de"]),
            ("mail:अन्ना@उदाहरण.भारत", ["अन्ना@उदाहरण.भारत"]),
            ("mail:strasse@example.com", ["Straße@example.com"]),
            ("mail:anna+x@example.com", ["anna%2Bx%40example.com", "anna+x@example.com"]),
        ],
    )
    def test_are_the_same_however_it_is_written(self, key, texts):
        assert {text: identifiers(text) for text in texts} == {text: [key] for text in texts}

    def test_are_one_for_each_piece_in_order(self):
        text = "020 7946 0018 / 020 7946 0019, anna@example.com"
        assert identifiers(text) == ["number:079460018", "number:079460019", "mail:anna@example.com"]


class TestTextAsItLooks:
    """Over every character there is."""

    def test_is_as_long_or_shorter(self):
        long = [code for code in range(0x110000) if len(masking.fold(chr(code))) > 1]
        assert not long

    def test_every_digit_and_at_is_seen_by_the_first_look(self):
        for code in range(0x110000):
            if masking.FOLDED[code] in [*"0123456789@"]:
                assert masking.may_hold(chr(code)), hex(code)

    def test_most_texts_end_at_the_first_look(self, monkeypatch):
        monkeypatch.setattr(masking, "fold", None)
        for text in (
            "Is the shop open?",
            "Können Sie mir helfen? (Danke)",
            "नमस्ते दुनिया",
            "❤️ 👨‍👩‍👧",
            "I am at home",
            "日本語",
        ):
            assert mask(text) == text


class TestTime:
    """Grows with the length only, whatever is written."""

    def test_no_pattern_repeats_without_end_what_repeats_without_end(self):
        patterns = [value for value in vars(masking).values() if isinstance(value, re.Pattern)]
        assert len(patterns) > 10
        for pattern in patterns:
            for repeated in endless(_parser.parse(pattern.pattern, pattern.flags)):
                assert not list(endless(repeated)), pattern.pattern

    def test_a_run_of_numbers_is_not_read_again_for_each(self, monkeypatch):
        read = 0
        number_in = masking.number_in

        def counted(folded, start, end):
            nonlocal read
            read += end - start
            return number_in(folded, start, end)

        monkeypatch.setattr(masking, "number_in", counted)
        for piece in ("5550100\n", "1 ", "1/", "020 7946 0018 ", "1", "0,", "+1", "4111 1111 1111 1111 "):
            read = 0
            text = piece * (50_000 // len(piece))
            mask(text)
            assert read <= 12 * len(text), piece

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "x",
                "1",
                "1 ",
                "+",
                "a@",
                "a.",
                "AB12",
                "1-",
                "(",
                "a@b",
                ".",
                "'",
                "日",
                " ",
                "\u0301",
                "\u200b",
                "1\u0301",
            ),
            *(
                "@",
                "a@a.",
                "%25",
                "&#64;",
                "x at ",
                "x dot ",
                "(at)",
                "[dot] ",
                "a at b dot ",
                "de12 ",
                "de12 3456 ",
            ),
            *(
                "5550100\n",
                "2025-11-26 ",
                "9.00 - 17.30 ",
                "123,",
                "1.",
                "0.",
                "$1 ",
                "passport ",
                "deadbeef",
                "f0",
                "+1",
            ),
            *("\U0001f600", "\U00020000", "é", "٣", "😀1"),
        ],
    )
    def test_is_short_for_what_repeats(self, text):
        text = text * (100_000 // len(text))
        started = time.process_time()
        mask(text), mask(text + "1" * 20_000), mask("a" * 20_000 + text), mask(text + "@x.yz")
        assert time.process_time() - started < 5


def endless(pattern):
    """What a parsed pattern repeats without end and may give back."""
    for operation, argument in pattern:
        if (
            operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
            and argument[1] is _constants.MAXREPEAT
        ):
            yield argument[2]
        for part in parts(argument):
            yield from endless(part)


def parts(argument):
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for item in argument:
            yield from parts(item)


class TestBeginning:
    def test_is_masked_before_it_is_cut(self):
        assert mask_beginning("Mail jane@example.com and more", 15) == "Mail [email] an"

    @pytest.mark.parametrize("length", range(5, 200, 7))
    def test_a_cut_shows_no_half_of_a_secret(self, length):
        text = "very.long.address.of.somebody@mail.example.com " * 300
        assert "very" not in mask_beginning(text, length)

    @pytest.mark.parametrize(
        "secret", ["+44 20 7946 0018", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"]
    )
    def test_nor_the_beginning_of_one_with_spaces(self, secret):
        for length in range(5, 60):
            for before in range(20):
                shown = mask_beginning("x" * before + " " + f"{secret} and " * 100, length)
                assert not re.search(r"\d", shown), (length, before, shown)

    def test_one_endless_word_shows_nothing_cut(self):
        assert len(mask_beginning("x" * 1_000_000, 160)) <= 160
        assert mask_beginning("a" * 5_000 + "@example.com", 10) == ""

    def test_a_short_text_is_whole(self):
        assert mask_beginning("short text", 160) == "short text"
