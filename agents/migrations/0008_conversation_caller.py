"""Of an index on some rows alone the planner takes no statistics: it read all conversations for a number that few have."""

from django.db import migrations

DIGITS = "left(reverse(regexp_replace(right(caller, 100), '[^0-9]', '', 'g')), 20)"


class Migration(migrations.Migration):
    dependencies = [("agents", "0007_setting_changes")]

    operations = [
        migrations.RunSQL(
            [
                "drop index conversation_caller",
                f"create index conversation_caller on agents_conversation ({DIGITS} text_pattern_ops)",
                "analyze agents_conversation",
            ],
            [
                "drop index conversation_caller",
                f"create index conversation_caller on agents_conversation ({DIGITS} text_pattern_ops)"
                " where caller is not null",
            ],
        )
    ]
