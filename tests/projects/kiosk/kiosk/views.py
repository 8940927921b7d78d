from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static

from .models import Beat


def front(request: HttpRequest) -> JsonResponse:
    cache.add("visits", 0)
    last = Beat.objects.order_by("-id").first()
    return JsonResponse(
        {
            "host": request.get_host(),
            "secure": request.is_secure(),
            "server": "uwsgi" if "uwsgi.version" in request.META else "other",
            "visits": cache.incr("visits"),
            "beats": Beat.objects.count(),
            "last_beat": last and last.created,
            "stylesheet": static("kiosk/kiosk.css"),
        }
    )


def healthz(_request: HttpRequest) -> HttpResponse:
    Beat.objects.exists()
    cache.set("healthz", 1, 5)
    return HttpResponse("ok", content_type="text/plain")
