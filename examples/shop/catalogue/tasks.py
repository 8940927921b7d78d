from celery import shared_task
from django.db.models import Count, Model, Sum

from .models import Product, Summary, Tick

KEEP = 1000


def trim(model: type[Model], keep: int) -> None:
    """Delete all but the newest rows."""
    last_kept = model.objects.order_by("-id").values_list("id", flat=True)[keep - 1 : keep].first()
    if last_kept is not None:
        model.objects.filter(id__lt=last_kept).delete()


@shared_task
def summarise() -> str:
    summary = Summary.objects.create(
        **Product.objects.order_by().aggregate(products=Count("id"), total=Sum("price", default=0))
    )
    trim(Summary, KEEP)
    return str(summary)


@shared_task(ignore_result=True)
def tick() -> None:
    Tick.objects.create()
    trim(Tick, KEEP)
