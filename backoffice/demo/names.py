"""Names of people and of companies that nobody wrote a profile for. All fictional."""

# (name, the part of an e-mail address before the digits)
PEOPLE = {
    "en": [
        ("Maria Alvarez", "maria.alvarez"),
        ("James Whitlock", "j.whitlock"),
        ("Aisha Rahman", "aisha.rahman"),
        ("Tom O'Connor", "tom.oconnor"),
        ("Priya Natarajan", "priya.n"),
        ("Daniel Kowalski", "dan.kowalski"),
        ("Grace Mbeki", "grace.mbeki"),
        ("Olivia Hartmann-Cole", "olivia.hc"),
        ("Samuel Adeyemi", "sam.adeyemi"),
        ("Chloé Dubois", "chloe.dubois"),
        ("Wei Chen", "wei.chen"),
        ("Jack Thornton", "jack.thornton"),
        ("Sofia Lindqvist", "sofia.lindqvist"),
        ("Mateo García", "mateo.garcia"),
        ("Hannah Blake", "hannah.blake"),
        ("Ravi Deshmukh", "ravi.d"),
        ("Emily Stone", "emily.stone"),
        ("Noah Fitzgerald", "noah.fitz"),
    ],
    "de": [
        ("Sabine Köhler", "sabine.koehler"),
        ("Jürgen Groß", "juergen.gross"),
        ("Anja Weiß", "anja.weiss"),
        ("Thomas Müller", "t.mueller"),
        ("Elif Yıldız", "elif.yildiz"),
        ("Katrin Schäfer", "katrin.schaefer"),
        ("Björn Petersen", "bjoern.petersen"),
        ("Ingrid Vogel", "ingrid.vogel"),
        ("Łukasz Nowak", "lukasz.nowak"),
        ("Heike Brückner", "heike.brueckner"),
    ],
    "ja": [
        ("佐藤 花子", "hanako.sato"),
        ("鈴木 一郎", "ichiro.suzuki"),
        ("高橋 美咲", "misaki.takahashi"),
        ("田中 健太", "kenta.tanaka"),
        ("渡辺 由美", "yumi.watanabe"),
        ("伊藤 翔", "sho.ito"),
        ("中村 さくら", "sakura.nakamura"),
    ],
    "ar": [
        ("ليلى حداد", "layla.haddad"),
        ("عمر الخطيب", "omar.khatib"),
        ("نور المصري", "nour.masri"),
        ("يوسف بنعلي", "youssef.benali"),
        ("سارة القاسم", "sara.qasim"),
        ("خالد منصور", "khaled.mansour"),
    ],
}

COMPANY_FIRST = [
    "Amber", "Birch", "Copper", "Dover", "Elm", "Falcon", "Granite", "Hazel", "Indigo", "Jasper", "Kestrel", "Lark",
    "Mistral", "Nova", "Opal", "Pebble", "Quartz", "Rowan", "Saffron", "Tidal", "Umber", "Vesper", "Willow", "Zephyr",
]  # fmt: skip
COMPANY_SECOND = [
    "Bay", "Bridge", "Creek", "Field", "Forest", "Gate", "Glen", "Grove", "Haven", "Heights", "Island", "Lane",
    "Meadow", "Park", "Point", "Ridge", "Rock", "Shore", "Square", "Valley", "View", "Wharf", "Wood",
]  # fmt: skip
COMPANY_KIND = {
    "dental": "Dental",
    "parcel": "Couriers",
    "hotel": "Hotel",
    "law": "Law",
    "bank": "Savings",
    "shop": "Outfitters",
    "energy": "Energy",
    "helpdesk": "IT Services",
    "restaurant": "Kitchen",
    "property": "Homes",
    "insurance": "Insurance",
}


def company(number):
    """A name for the n-th made-up company and its industry; repeats after a few thousand."""
    industries = list(COMPANY_KIND)
    industry = industries[number % len(industries)]
    first = COMPANY_FIRST[number % len(COMPANY_FIRST)]
    second = COMPANY_SECOND[number % len(COMPANY_SECOND)]
    return f"{first} {second} {COMPANY_KIND[industry]}", industry
