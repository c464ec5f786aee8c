"""Notes are found by the same words as everything else: accents, other scripts, several pieces of a long text."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_erasures")]

    operations = [
        # The expression of tenants.models.notes.Words. Loading db/backoffice.sql comes before migrating.
        migrations.RunSQL(
            """
            drop index note_words;
            create index note_search on tenants_note using gin ((
              audit.search_vector(audit.search_text(text))
              || audit.search_vector(audit.search_text(substr(text, 1901, 2000)))
              || audit.search_vector(audit.search_text(substr(text, 3801)))
              || audit.search_vector(audit.search_text(ticket))));
            """,
            """
            drop index note_search;
            create index note_words on tenants_note using gin (to_tsvector('simple'::regconfig,
              regexp_replace(text || ' ' || ticket, '[\\x01-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7f]+', ' ', 'g')));
            """,
        ),
    ]
