import os
import time

from celery import Celery
from celery.signals import before_task_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meter.settings")
app = Celery("meter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    beat_schedule={"tick": {"task": "meter.tasks.tick", "schedule": 2.0}},
)


@app.task
def work(number: int, seconds: float) -> None:
    """Say that it began, take its time, say that it ended."""
    from .models import Run

    run = Run.objects.create(number=number)
    time.sleep(seconds)
    run.ended = True
    run.save(update_fields=["ended"])


def held(number: int) -> None:
    """Say that it began, wait for the note that lets it end, say that it ended."""
    from .models import Note, Run

    run = Run.objects.create(number=number)
    while not Note.objects.filter(text=f"end {number}").exists():
        time.sleep(0.1)
    run.ended = True
    run.save(update_fields=["ended"])


@app.task
def hold(number: int) -> None:
    held(number)


@app.task(acks_late=True)
def hold_late(number: int) -> None:
    """One that the broker has until it is done."""
    held(number)


@before_task_publish.connect(sender="meter.tasks.tick")
def stamp(headers: dict[str, object], **_: object) -> None:
    """Say when beat sent it: the worker may have other things to do first."""
    headers["sent_at"] = time.time()


@app.task(bind=True)
def tick(self) -> None:
    from .models import Tick

    Tick.objects.create(at=self.request.get("sent_at"))
