import time

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static

from . import tasks
from .models import Note, Run, Tick


def answer(**more: object) -> JsonResponse:
    return JsonResponse({"release": settings.RELEASE, "colour": settings.COLOUR, **more})


def front(_request: HttpRequest) -> JsonResponse:
    return answer(notes=Note.objects.count(), stylesheet=static("meter/meter.css"))


def health(_request: HttpRequest) -> JsonResponse:
    return answer(notes=Note.objects.exists())


def slow(request: HttpRequest) -> JsonResponse:
    time.sleep(min(float(request.GET["seconds"]), 20))
    return answer()


def note(request: HttpRequest) -> JsonResponse:
    """Keep the body of a POST, and say how many there are with the same text."""
    text = request.body.decode()
    Note.objects.create(text=text)
    return answer(same=Note.objects.filter(text=text).count())


def queue(request: HttpRequest) -> JsonResponse:
    """Queue tasks: `count` of so many `seconds`, numbered from `first`."""
    first, count = int(request.GET["first"]), int(request.GET["count"])
    for number in range(first, first + count):
        tasks.work.delay(number, float(request.GET["seconds"]))
    return answer(queued=count)


def hold(request: HttpRequest) -> JsonResponse:
    """Queue two tasks, numbered from `first`, that last until `end` is asked for."""
    first = int(request.GET["first"])
    tasks.hold.delay(first)
    tasks.hold_late.delay(first + 1)
    return answer(queued=2)


def end(request: HttpRequest) -> JsonResponse:
    """Let a task of `hold` end."""
    Note.objects.create(text=f"end {int(request.GET['number'])}")
    return answer()


def runs(_request: HttpRequest) -> JsonResponse:
    """How often each task began, and how often it ended."""
    rows = list(Run.objects.values_list("number", "ended"))
    return answer(began=[number for number, _ in rows], ended=[number for number, ended in rows if ended])


def ticks(_request: HttpRequest) -> JsonResponse:
    return answer(ticks=list(Tick.objects.order_by("at").values_list("at", flat=True)))
