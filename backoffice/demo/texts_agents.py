"""What tenants typed into the agent builder: names, prompts, greetings and knowledge, by language."""

NAMES = {
    "en": [
        "Front Desk",
        "Avery",
        "Booking Line",
        "Night Shift",
        "Sam",
        "Website Helper",
        "Returns Desk",
        "Robin",
    ],
    "de": ["Empfang", "Lena", "Terminassistent", "Jonas", "Hotline", "Website-Chat"],
    "ja": ["フロント", "さくら", "予約係", "ハル"],
    "ar": ["الاستقبال", "سلمى", "مساعد الحجز"],
}
# Kept beside an agent's name, so that ten agents of one tenant do not share eight names.
PLACES = ["", " 2", " (weekend)", " (test)", " – new", " EMEA"]

DESCRIPTIONS = {
    "en": [
        "Answers on the website and on the phone.",
        "Outside opening hours only.",
        "Copy of Front Desk, to try things.",
    ],
    "de": ["Beantwortet Anfragen auf der Website.", "Nur außerhalb der Öffnungszeiten."],
    "ja": ["ウェブサイトと電話の受付。", "夜間専用。"],
    "ar": ["يرد على الموقع والهاتف."],
}

PROMPTS = {
    "en": [
        "You are {agent}, the assistant of {org}. Be brief and friendly. Never promise what you cannot do; when in "
        "doubt, offer a call back. Do not ask for card numbers.",
        "You answer for {org}.\n\n- One question at a time.\n- Repeat dates and times before you confirm.\n"
        "- Hand over to a colleague when asked twice.",
        "Role: receptionist of {org}.\nTone: warm, professional.\nIf the caller sounds upset, apologize once and act.",
    ],
    "de": [
        "Du bist {agent}, der Assistent von {org}. Antworte kurz und höflich, sieze die Gäste. Wenn du unsicher "
        "bist, biete einen Rückruf an.",
        "Du beantwortest Anfragen an {org}.\n- Wiederhole Termine, bevor du sie bestätigst.\n- Keine Rechtsauskünfte.",
    ],
    "ja": [
        "あなたは{org}の受付「{agent}」です。丁寧な言葉で、短く答えてください。日時は必ず復唱してください。",
        "{org}のお客様に敬語で対応してください。分からないことは担当者に引き継ぎます。",
    ],
    "ar": ["أنت {agent}، مساعد {org}. أجب باختصار ولطف، وأكد المواعيد قبل حجزها."],
}

GREETINGS = {
    "en": "Hello, this is {agent} of {org}. How can I help?",
    "de": "Guten Tag, hier ist {agent} von {org}.",
    "ja": "{org}でございます。",
    "ar": "أهلًا بكم في {org}!",
}

KNOWLEDGE = {
    "en": ["Mon-Fri 9-17, Sat 10-14, closed on Sundays", "Cancel free of charge until the day before"],
    "de": ["Mo–Fr 9–17 Uhr, Sa 10–14 Uhr", "Kostenlos absagen bis zum Vortag"],
    "ja": ["平日9時～17時、土曜日は14時まで", "前日まで取消無料"],
    "ar": ["من الأحد إلى الخميس، 9-17", "الإلغاء مجاني حتى اليوم السابق"],
}

KEYWORDS = {
    "dental": ["crown", "root canal", "Invisalign"],
    "parcel": ["depot", "customs", "pick-up point"],
    "hotel": ["suite", "half board", "late check-out"],
    "law": ["power of attorney", "deposit"],
    "bank": ["IBAN", "dispute", "overdraft"],
    "shop": ["voucher", "size chart"],
    "energy": ["meter", "kilowatt hour"],
    "helpdesk": ["VPN", "router", "ticket"],
    "restaurant": ["gluten", "terrace"],
    "property": ["deposit", "viewing"],
    "insurance": ["policy", "deductible"],
}
