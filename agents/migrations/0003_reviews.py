from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_conversations")]

    operations = [
        migrations.AddField(
            model_name="sampleitem",
            name="skipped_at",
            field=models.DateTimeField(null=True),
        ),
    ]
