from django.db import migrations, models

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel("Note", [ID, ("text", models.CharField(max_length=100))]),
        migrations.CreateModel(
            "Run", [ID, ("number", models.IntegerField()), ("ended", models.BooleanField(default=False))]
        ),
        migrations.CreateModel("Tick", [ID, ("at", models.FloatField())]),
    ]
