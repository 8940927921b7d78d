import logging
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .checks import CHECKS
from .forms import UploadForm
from .models import Product, Summary, Tick, Upload
from .tasks import summarise

SUMMARY_AGE = timedelta(seconds=5)
UPLOADS_KEPT = 50
log = logging.getLogger(__name__)


def cached_since() -> str:
    """Say since when a value is in the cache, or that it just came to be there."""
    try:
        since = cache.get("since")
        if since:
            return f"hit: stored at {since}"
        cache.set("since", timezone.now().isoformat(timespec="seconds"), 60)
    except Exception:
        log.exception("The cache does not answer")
        return "not available"
    return "miss: stored just now"


def latest_summary() -> Summary | None:
    """Return what the task found last, and ask for a newer one without waiting for it."""
    summary = Summary.objects.first()
    if not summary or timezone.now() - summary.created > SUMMARY_AGE:
        try:
            if cache.add("summary-asked", 1, SUMMARY_AGE.seconds):
                summarise.apply_async(retry=False, ignore_result=True)
        except Exception:
            log.exception("The broker does not answer")
    return summary


def page(request: HttpRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    context = {
        "products": Product.objects.all(),
        "cached": cached_since(),
        "summary": latest_summary(),
        "tick": Tick.objects.first(),
        "uploads": Upload.objects.all()[:UPLOADS_KEPT],
        "form": form,
        "release": settings.RELEASE,
    }
    return render(request, "catalogue/front.html", context, status=status)


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    return page(request, UploadForm())


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return page(request, form, status=400)
    form.save()
    for old in Upload.objects.all()[UPLOADS_KEPT : 2 * UPLOADS_KEPT]:
        old.file.delete(save=False)
        old.delete()
    return redirect("front")


@require_safe
@never_cache
def health(_request: HttpRequest) -> JsonResponse:
    results = {}
    for name, check in CHECKS.items():
        try:
            check()
            results[name] = "ok"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            # The page is public: its reader learns what fails, the log learns why.
            log.warning("%s is not healthy: %s", name, error)
            results[name] = f"failed ({type(error).__name__})"
    well = set(results.values()) == {"ok"}
    body = {"status": "ok" if well else "failed", **results}
    if settings.RELEASE:
        body["release"] = settings.RELEASE
    return JsonResponse(body, status=200 if well else 503)
