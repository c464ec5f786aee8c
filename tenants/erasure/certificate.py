"""The certificate of an erasure: what was searched, found, redacted, by whom, and what remains. It names nobody."""

import json

from backoffice import schema
from tenants.erasure.person import checksum
from tenants.erasure.places import ELSEWHERE, NOT_SEARCHED, STAYS


def certify(erasure, person, found, redacted, moment):
    """The certificate as JSON. `redacted` is {place: rows changed}; its checksum is over everything else in it."""
    body = {
        "what": "Erasure of a person from the platform's database and back office",
        "id": str(erasure.pk),
        "person": {"masked": erasure.subject, "keyed_hashes": erasure.fingerprints},
        "searched_for": person.patterns(),
        "reason": erasure.reason,
        "by": str(erasure.owner),
        "asked_at": erasure.created_at.isoformat(),
        "erased_at": moment.isoformat(),
        "schema": schema.fingerprint(),
        "redacted": [
            {
                "place": name,
                "what": place["label"],
                "rows": redacted.get(name, 0),
                "columns": place["columns"],
            }
            for name, place in found.places.items()
            if not place["stays"]
        ],
        "files_deleted": len(found.files),
        "remains": remains(found),
        "elsewhere": list(ELSEWHERE),
        "not_searched": NOT_SEARCHED | {"sip_trunks.password": "secrets, which nobody may read"},
    }
    return body | {"sha256": checksum(canonical(body))}


def canonical(body):
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def is_intact(certificate):
    """Whether the checksum is the one of the content."""
    body = {key: value for key, value in certificate.items() if key != "sha256"}
    return checksum(canonical(body)) == certificate.get("sha256")


def remains(found):
    """[{what, rows, why, steps}] of what this erasure leaves in place or cannot reach."""
    listed = []
    for name, place in found.places.items():
        if place["stays"]:
            table = name.removesuffix(":stays")
            for column, rows in place["columns"].items():
                why = STAYS.get((table, column)) or STAYS[table, ""]
                listed.append({"what": f"{place['label']}: {column}", "rows": rows, "why": why, "steps": []})
    for login in found.logins:
        listed.append(
            {
                "what": f"Log-in {login['id']} in Supabase's own schema auth",
                "rows": 1,
                "why": "Supabase keeps mail, phone, identities and sessions itself; nothing here may write there.",
                "steps": login_steps(login["id"], bool(found.owned)),
            }
        )
    for customer in found.stripe:
        listed.append(
            {
                "what": f"Stripe customer {customer}",
                "rows": 1,
                "why": "Kept at Stripe.",
                "steps": [
                    "In Stripe, open the customer and choose Delete customer, or ask Stripe to redact it."
                ],
            }
        )
    if found.recordings:
        listed.append(
            {
                "what": "Recordings of calls from the number",
                "rows": found.recordings,
                "why": "They lie in storage or at the carrier; the rows of the calls keep their addresses.",
                "steps": ["Open the calls, and delete the file behind each recording where it is stored."],
            }
        )
    return listed


def login_steps(pk, owns):
    """What to do in Supabase. Deleting a login deletes the organizations that it owns with everything in them."""
    redact = [
        "In the SQL editor, as postgres:",
        f"update auth.users set email = 'erased-{pk}@erased.invalid', phone = null, raw_user_meta_data = '{{}}', "
        f"email_change = '', phone_change = '' where id = '{pk}';",
        f"delete from auth.identities where user_id = '{pk}';",
        f"delete from auth.sessions where user_id = '{pk}';",
        f"delete from auth.one_time_tokens where user_id = '{pk}';",
        f"delete from auth.audit_log_entries where payload ->> 'actor_id' = '{pk}';",
    ]
    if owns:
        return [
            "Do not delete this login yet: it owns organizations, and they would be deleted with it. Move them to "
            "another owner or close them first; until then, redact the login:",
            *redact,
        ]
    return [
        f"Authentication, Users, search {pk}, Delete user: identities, sessions and the profile go with it.",
        f"Then, in the SQL editor: delete from auth.audit_log_entries where payload ->> 'actor_id' = '{pk}';",
    ]


def as_text(certificate):
    """The certificate for people, as plain text."""
    lines = [
        "CERTIFICATE OF ERASURE",
        "",
        f"Id:          {certificate['id']}",
        f"Person:      {certificate['person']['masked']}",
        *[f"Keyed hash:  {value}" for value in certificate["person"]["keyed_hashes"]],
        f"By:          {certificate['by']}",
        f"Reason:      {certificate['reason']}",
        f"Asked at:    {certificate['asked_at']}",
        f"Erased at:   {certificate['erased_at']}",
        "",
        "Searched for",
        *[f"- {pattern}" for pattern in certificate["searched_for"]],
        "",
        "Redacted",
        *[
            f"- {place['what']} ({place['place']}): {place['rows']} rows; "
            + ", ".join(f"{name} {rows}" for name, rows in place["columns"].items())
            for place in certificate["redacted"]
        ],
        *([] if certificate["redacted"] else ["- nothing was found"]),
        f"- stored files deleted: {certificate['files_deleted']}",
        "",
        "Remains, and what to do",
    ]
    for entry in certificate["remains"]:
        lines += [
            f"- {entry['what']} ({entry['rows']}): {entry['why']}",
            *[f"    {step}" for step in entry["steps"]],
        ]
    if not certificate["remains"]:
        lines.append("- nothing that was found")
    lines += [
        "",
        "Elsewhere, out of reach of this search",
        *[f"- {place}" for place in certificate["elsewhere"]],
    ]
    lines += ["", f"SHA-256 of the content (as JSON): {certificate['sha256']}", ""]
    return "\n".join(lines)
