"""The tenants of the demo: who they are, how they are doing, and what is odd about each.

`sessions`, `calls` and `chats` are counts at scale 1; ages are days before the end of the data. `oddities.py` adds the
single rows that no profile describes.
"""

from dataclasses import dataclass
from decimal import Decimal

from backoffice.demo.names import company

TEXT = (100, 0, 0)
WEB = (75, 25, 0)
PHONE = (35, 15, 50)


@dataclass(frozen=True, kw_only=True)
class Tenant:
    slug: str
    name: str
    story: str
    industry: str
    owner: str | None = None  # the name in the profile; None: the sign-up form did not ask
    owned_by: str | None = None  # slug of the tenant whose login owns this one too
    languages: tuple[str, ...] = ("en",)  # the first is spoken most
    tier: str | None = "free"
    age: float = 240  # days since sign-up
    silent: float = 0  # days since the last conversation
    hours: int = 0  # offset of its clock from UTC, so that its day is not everybody's
    agents: int = 2
    sessions: int = 0
    channels: tuple[int, int, int] = TEXT  # weights of text, voice, phone
    calls: int = 0
    cut_off: float = 0  # days since its calls are rejected: no credits, or no number
    chats: int = 0
    numbers: int = 0
    area: str = "415"  # area code of its numbers; "UK" and "DE" stand for the ranges kept for fiction there
    trunks: int = 0
    metered: bool = False  # turns carry tokens, latency and model; usage is written per turn
    priced: bool = False  # usage carries a cost
    recorded: bool = False  # turns and calls carry audio
    balance: str | None = "0.00"  # where its ledger ends
    monthly: int = 0  # what it tops up a month; 0: it never paid
    stripe: bool = False

    @property
    def target(self):
        return None if self.balance is None else Decimal(self.balance)


TENANTS = [
    Tenant(
        slug="parcelwise", name="Parcelwise Logistics", industry="parcel", owner="Grace Mbeki", tier="enterprise",
        story="The largest tenant: one conversation in five. Healthy, metered, priced, recorded.",
        languages=("en", "en", "en", "de"), age=420, hours=-5, agents=12, sessions=460, channels=PHONE, calls=620,
        chats=55, numbers=9, area="212", trunks=4, metered=True, priced=True, recorded=True,
        balance="4210.55", monthly=1500, stripe=True,
    ),
    Tenant(
        slug="grand-meridian", name="Grand Meridian Hotels", industry="hotel", owner="Chloé Dubois", tier="pro",
        story="A hotel group answering in English and German, by chat, voice and phone.",
        languages=("en", "en", "de"), age=380, hours=1, agents=8, sessions=220, channels=PHONE, calls=280, chats=25,
        numbers=6, area="UK", trunks=2, metered=True, priced=True, recorded=True,
        balance="1380.00", monthly=600, stripe=True,
    ),
    Tenant(
        slug="northlight-bank", name="Northlight Bank", industry="bank", owner="Daniel Kowalski", tier="enterprise",
        story="Stores `no-pii`, yet card and social security numbers stand in its transcripts. Enterprise without "
              "Stripe: the product treats it as free.",
        age=330, hours=-5, agents=6, sessions=180, channels=PHONE, calls=260, numbers=5, area="617", trunks=3,
        metered=True, priced=True, balance="2250.10", monthly=800,
    ),
    Tenant(
        slug="riverbend-dental", name="Riverbend Dental", industry="dental", owner="Hannah Blake", tier="pro",
        story="Its balance reached exactly zero: calls are rejected, chats go on.",
        age=300, hours=-8, agents=3, sessions=120, channels=PHONE, calls=210, cut_off=1.5, chats=30, numbers=2,
        area="415", trunks=1, metered=True, recorded=True, balance="0.00", monthly=90, stripe=True,
    ),
    Tenant(
        slug="praxis-weber", name="Zahnarztpraxis Dr. Weber", industry="dental", owner="Sabine Weber", tier="pro",
        story="A German practice, steady and healthy.",
        languages=("de", "de", "de", "en"), age=290, hours=1, agents=3, sessions=100, channels=PHONE, calls=130,
        chats=10, numbers=2, area="DE", trunks=1, metered=True, priced=True, recorded=True, balance="164.20",
        monthly=60, stripe=True,
    ),
    Tenant(
        slug="alpenblick", name="Hotel Alpenblick", industry="hotel", owner="Ingrid Vogel", tier="free",
        story="German, text and browser voice only; nothing is metered, so pages say “not recorded”.",
        languages=("de", "de", "en"), age=260, hours=1, agents=3, sessions=90, channels=WEB, chats=18, numbers=1,
        area="DE", balance="35.00", monthly=20,
    ),
    Tenant(
        slug="sakura-ryokan", name="桜旅館", industry="hotel", owner="佐藤 花子", tier="pro",
        story="A Japanese inn: text without spaces between words.",
        languages=("ja",), age=250, hours=9, agents=4, sessions=100, channels=WEB, calls=30, chats=15, numbers=2,
        area="808", trunks=1, metered=True, priced=True, recorded=True, balance="512.75", monthly=120, stripe=True,
    ),
    Tenant(
        slug="yamabiko-express", name="山びこ宅配便株式会社", industry="parcel", owner="鈴木 一郎", tier="enterprise",
        story="Japanese parcels, with an English agent for foreign senders.",
        languages=("ja", "ja", "en"), age=220, hours=9, agents=4, sessions=90, channels=PHONE, calls=80, numbers=2,
        area="808", metered=True, balance="890.00", monthly=200, stripe=True,
    ),
    Tenant(
        slug="al-waha", name="فندق الواحة", industry="hotel", owner="ليلى حداد", tier="pro",
        story="An Arabic hotel: names and transcripts from right to left, German and English guests in between.",
        languages=("ar", "ar", "en"), age=210, hours=3, agents=3, sessions=70, channels=WEB, calls=25, numbers=2,
        area="UK", trunks=1, metered=True, recorded=True, balance="77.40", monthly=50, stripe=True,
    ),
    Tenant(
        slug="al-noor-bank", name="مصرف النور", industry="bank", owner="خالد منصور", tier="free",
        story="An Arabic bank on the free tier although it uses much; usage without cost.",
        languages=("ar",), age=140, hours=3, agents=2, sessions=50, channels=TEXT, metered=True, balance="12.00",
        monthly=15,
    ),
    Tenant(
        slug="harrow-finch", name="Harrow & Finch LLP", industry="law", owner="Olivia Hartmann-Cole", tier="pro",
        story="Risky settings: webhook over http, a bearer token in the headers, redaction off.",
        age=310, hours=-5, agents=4, sessions=80, channels=WEB, calls=40, chats=12, numbers=2, area="202", trunks=1,
        metered=True, priced=True, balance="340.00", monthly=100, stripe=True,
    ),
    Tenant(
        slug="kanzlei-brandt", name="Kanzlei Brandt & Partner", industry="law", owner="Katrin Brandt", tier="free",
        story="A German law office; its JSON configuration has drifted away from the columns.",
        languages=("de",), age=270, hours=1, agents=3, sessions=45, numbers=1, area="DE", calls=20, channels=PHONE,
        metered=True, balance="48.30", monthly=25,
    ),
    Tenant(
        slug="stadtwerke-lindental", name="Stadtwerke Lindental GmbH", industry="energy", owner="Thomas Müller",
        tier="enterprise", story="A German utility; the busiest telephone after Parcelwise.",
        languages=("de",), age=340, hours=1, agents=5, sessions=100, channels=PHONE, calls=210, numbers=2, area="DE",
        trunks=2, metered=True, priced=True, recorded=True, balance="1020.00", monthly=400, stripe=True,
    ),
    Tenant(
        slug="brightside-energy", name="Brightside Energy", industry="energy", owner="Jack Thornton", tier="pro",
        story="Owes money: the balance is negative, and its calls are rejected since.",
        age=280, hours=-6, agents=4, sessions=100, channels=PHONE, calls=160, cut_off=6, numbers=3, area="312",
        trunks=1, metered=True, priced=True, balance="-86.45", monthly=150, stripe=True,
    ),
    Tenant(
        slug="cobalt-it", name="Cobalt IT Support", industry="helpdesk", owner="Ravi Deshmukh", tier="pro",
        story="Many calls that nobody closed: “active” for months.",
        age=260, hours=0, agents=5, sessions=100, channels=PHONE, calls=160, numbers=3, area="UK", trunks=2,
        metered=True, priced=True, balance="403.00", monthly=130, stripe=True,
    ),
    Tenant(
        slug="juniper-sage", name="Juniper & Sage", industry="shop", owner="Emily Stone", tier="pro",
        story="A web shop that only chats; voice was tried once.",
        age=230, hours=-8, agents=3, sessions=100, channels=WEB, chats=45, metered=True, priced=True,
        balance="150.00", monthly=40, stripe=True,
    ),
    Tenant(
        slug="hikari-dental", name="ひかり歯科クリニック", industry="dental", owner="高橋 美咲", tier="free",
        story="A small Japanese clinic, growing.",
        languages=("ja",), age=95, hours=9, agents=2, sessions=45, channels=WEB, numbers=1, area="808", calls=10,
        metered=True, balance="22.00", monthly=15,
    ),
    Tenant(
        slug="morgenrot", name="Buchhandlung Morgenrot", industry="shop", owner="Anja Weiß", tier="free",
        story="Reached almost only through the old widget: legacy chats instead of sessions.",
        languages=("de",), age=400, hours=1, agents=1, sessions=8, chats=80, balance="5.00", monthly=5,
    ),
    Tenant(
        slug="maple-street", name="Maple Street Realty", industry="property", owner="Tom O'Connor", tier="free",
        story="One of its numbers is answered by another tenant's agent.",
        age=200, hours=-5, agents=2, sessions=50, channels=PHONE, calls=60, numbers=2, area="718",
        metered=True, balance="61.00", monthly=30,
    ),
    Tenant(
        slug="silver-fern", name="Silver Fern Insurance", industry="insurance", owner="Sofia Lindqvist", tier="pro",
        story="Careful: redaction on, policy `basic-attributes`, https webhook.",
        age=240, hours=0, agents=4, sessions=70, channels=PHONE, calls=70, numbers=3, area="UK", trunks=1,
        metered=True, priced=True, recorded=True, balance="760.00", monthly=180, stripe=True,
    ),
    Tenant(
        slug="pixel-forge", name="Pixel Forge Studio", industry="helpdesk", owner="Noah Fitzgerald", tier="pro",
        story="Builds agents for fun: every shape of configuration, a name that is a JSON text, vendors that the "
              "runtime cannot serve.",
        age=190, hours=-8, agents=14, sessions=55, channels=WEB, numbers=1, area="503", metered=True,
        balance="88.00", monthly=35,
    ),
    Tenant(
        slug="old-mill", name="Old Mill Bakery", industry="restaurant", owner="Mateo García", tier="free",
        story="Silent: no conversation for five months, credits unused.",
        age=390, silent=150, hours=-6, agents=2, sessions=35, channels=PHONE, calls=30, numbers=1, area="512",
        balance="41.00", monthly=20,
    ),
    Tenant(
        slug="bella-vista", name="Trattoria Bella Vista", industry="restaurant", owner="Chloé Dubois", tier="free",
        story="A busy little restaurant; callers withhold their numbers.",
        age=180, hours=1, agents=1, sessions=55, channels=PHONE, calls=75, numbers=1, area="UK", metered=True,
        balance="18.25", monthly=25,
    ),
    Tenant(
        slug="summit-ski", name="Summit Ski School", industry="hotel", owner="Wei Chen", tier="pro",
        story="Silent since the season ended eight months ago; still pays for Pro.",
        languages=("en", "de"), age=500, silent=245, hours=1, agents=3, sessions=40, channels=WEB, numbers=1, area="UK",
        balance="300.00", monthly=60, stripe=True,
    ),
    Tenant(
        slug="green-valley-vet", name="Green Valley Vet", industry="dental", owner="Aisha Rahman", tier="free",
        story="Its agent is a draft that was never published, and is used all the same.",
        age=120, silent=6, hours=-7, agents=1, sessions=30, channels=WEB, metered=False, balance="9.50", monthly=10,
    ),
    Tenant(
        slug="okafor-holdings", name="Okafor Holdings", industry="property", owner="Samuel Adeyemi", tier="pro",
        story="One login, three organizations: tier and usage of the owner are not those of one tenant.",
        age=320, hours=1, agents=2, sessions=25, channels=WEB, numbers=1, area="UK", metered=True, balance="205.00",
        monthly=50, stripe=True,
    ),
    Tenant(
        slug="okafor-motors", name="Okafor Motors", industry="insurance", owned_by="okafor-holdings",
        story="Second organization of the owner of Okafor Holdings.",
        age=260, hours=1, agents=2, sessions=30, channels=PHONE, calls=35, numbers=1, area="UK", metered=True,
        balance="96.00", monthly=40,
    ),
    Tenant(
        slug="okafor-kitchens", name="Okafor Kitchens", industry="restaurant", owned_by="okafor-holdings",
        story="Third organization of the same owner; never used.",
        age=40, agents=1, balance="0.00",
    ),
    Tenant(
        slug="cascade-credit", name="Cascade Credit Union", industry="bank", owner="Priya Natarajan", tier="free",
        story="Somebody raised its balance by 500 outside the back office.",
        age=160, hours=-8, agents=2, sessions=40, channels=TEXT, numbers=1, area="206", metered=True,
        balance="60.00", monthly=30,
    ),
    Tenant(
        slug="tidewater", name="Tidewater Rentals", industry="property", owner=None, tier="trial",
        story="Signed up without a name; an unknown tier; its number was released.",
        age=150, hours=-5, agents=1, sessions=22, channels=PHONE, calls=30, cut_off=20, numbers=1, area="757",
        balance="3.10", monthly=10,
    ),
    Tenant(
        slug="blank-balance", name="Fairview Outfitters", industry="shop", owner="James Whitlock", tier=None,
        story="Balance and tier are NULL: an inbound call ends in a server error.",
        age=130, hours=-6, agents=1, sessions=18, numbers=1, area="646", balance=None,
    ),
    Tenant(
        slug="voiceworks", name="Voiceworks Agency", industry="helpdesk", owner="Hannah Blake", tier="pro",
        story="Chose voices of Cartesia, Azure and Google, which the runtime refuses: many of its replies are errors.",
        age=110, hours=0, agents=4, sessions=45, channels=(20, 70, 10), calls=12, numbers=1, area="UK",
        metered=True, balance="55.00", monthly=30,
    ),
    Tenant(
        slug="lumen-notary", name="Notariat Lumen", industry="law", owner="Elif Yıldız", tier="free",
        story="Says `nothing` is stored; everything is.",
        languages=("de",), age=105, hours=1, agents=1, sessions=20, metered=True, balance="14.00", monthly=10,
    ),
    Tenant(
        slug="quickcart", name="Quickcart", industry="shop", owner="Emily Stone", tier="free",
        story="New and growing fast: nothing a month ago, busy today. Staff changed its name and tier.",
        age=28, hours=-5, agents=2, sessions=70, channels=WEB, metered=True, priced=True, balance="44.00",
        monthly=60,
    ),
    Tenant(
        slug="harborline", name="Harborline Clinics", industry="dental", owner="Grace Mbeki", tier="pro",
        story="Its three numbers have no agent, a wrong format and status NULL: nobody gets through.",
        age=85, hours=-5, agents=2, sessions=25, channels=WEB, numbers=3, area="904", trunks=1, metered=True,
        balance="120.00", monthly=60, stripe=True,
    ),
    Tenant(
        slug="phone-login", name="My Organization", industry="restaurant", owner=None, tier="free",
        story="Signed up by telephone, without an e-mail address; kept the default name.",
        age=60, agents=1, sessions=6, balance="0.00",
    ),
    Tenant(
        slug="no-profile", name="Springfield Letting", industry="property", owner="Tom O'Connor", tier="free",
        story="The profile of its owner is missing; organization and login are there.",
        age=75, agents=1, sessions=12, balance="8.00",
    ),
    Tenant(
        slug="sunrise-yoga", name="Sunrise Yoga", industry="shop", owner=None, tier="free",
        story="Signed up this week: one agent, a first conversation, no credits.",
        age=3, agents=1, sessions=2,
    ),
    Tenant(
        slug="new-today", name="My Organization", industry="shop", owner=None, tier="free",
        story="Signed up hours ago; no agent yet.",
        age=0.2, agents=0,
    ),
    Tenant(
        slug="new-yesterday", name="My Organization", industry="shop", owner=None, tier="free",
        story="Signed up yesterday; an agent without configuration, nothing else.",
        age=1.1, agents=1,
    ),
]  # fmt: skip


def grown(scale):
    """`(tenant, factor)` for a scale: the profiles above, and ten more tenants for every step of it.

    Of what a larger scale adds, the largest tenant takes a fifth, the other profiles half, the new tenants the rest.
    """
    for tenant in TENANTS:
        yield tenant, 1 + (scale - 1) * (1.1 if tenant is TENANTS[0] else 0.6)
    for number in range(10 * (scale - 1)):
        yield made_up(number), 1


def made_up(number):
    """One of the tenants that only a larger scale has; a few of them are large, most are small."""
    name, industry = company(number)
    size = 4 if number % 10 == 0 else 2 if number % 10 < 4 else 0.4
    calling = number % 3 == 0
    return Tenant(
        slug=f"made-up-{number}", name=name, industry=industry, owner="Wei Chen", tier=("free", "pro")[number % 2],
        story="Made up to fill a larger scale.", age=30 + number % 330, hours=number % 12 - 6, agents=2 + number % 3,
        sessions=round(57 * size), channels=PHONE if calling else WEB, calls=round(173 * size) if calling else 0,
        chats=round(7 * size), numbers=1, area=str(220 + number // 100), metered=number % 4 > 0, priced=number % 2 == 0,
        balance=str(number % 200), monthly=20 + number % 50, stripe=number % 5 == 0,
    )  # fmt: skip
