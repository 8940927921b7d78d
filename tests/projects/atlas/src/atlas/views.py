import hashlib
import os

import banner  # from the submodule vendor/banner
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static

from .models import Place


async def front(request: HttpRequest) -> JsonResponse:
    """Everything that a test of a deployment asks, as JSON."""
    return JsonResponse(
        {
            "banner": banner.text(),
            "edition": os.environ.get("ATLAS_EDITION"),
            "started_by": os.environ.get("ATLAS_STARTED_BY"),
            "places": [place.name async for place in Place.objects.order_by("id")],
            "stylesheet": static("atlas/map.css"),
            "server": type(request).__name__,
            "secure": request.is_secure(),
        }
    )


def up(_request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("up", content_type="text/plain")


def secret_check(_request: HttpRequest) -> HttpResponse:
    """Tell the SHA-256 of a variable's bytes: equal only when not one of them was changed on the way."""
    value = os.environb.get(b"ATLAS_HOSTILE")
    if value is None:
        raise Http404("ATLAS_HOSTILE is not set")
    return HttpResponse(hashlib.sha256(value).hexdigest(), content_type="text/plain")
