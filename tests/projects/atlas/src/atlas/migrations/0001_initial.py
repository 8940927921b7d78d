from django.db import migrations, models


def add(apps, _schema_editor):
    place = apps.get_model("atlas", "Place")
    for name in ("Reykjavík", "Tromsø", "Ísafjörður"):
        place.objects.create(name=name)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.RunPython(add, migrations.RunPython.noop),
    ]
