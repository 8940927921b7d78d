from decimal import Decimal

from django.db import migrations

PRODUCTS = {
    "Barometer": "89.00",
    "Brass bell": "42.50",
    "Chart of the bay": "12.00",
    "Foghorn": "129.90",
    "Lamp oil, 1 l": "7.40",
    "Rope, 20 m": "18.75",
    "Sextant": "249.00",
    "Ship's biscuit": "3.20",
    "Storm lantern": "35.00",
    "Telescope": "180.00",
    "Wool jumper": "64.00",
    "Zinc bucket": "9.95",
}


def add(apps, _schema_editor):
    product = apps.get_model("catalogue", "Product")
    for name, price in PRODUCTS.items():
        product.objects.get_or_create(name=name, defaults={"price": Decimal(price)})


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
