import tempfile
from unittest import mock

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase, override_settings
from django.urls import reverse

from . import tasks
from .models import Product, Tick, Upload

PLAIN = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


@override_settings(STORAGES=PLAIN)  # the real one wants collectstatic first
class ShopTest(TestCase):
    def test_front_page_shows_seeded_rows_a_cache_hit_the_task_and_the_tick(self) -> None:
        tasks.tick()
        self.client.get(reverse("front"))
        page = self.client.get(reverse("front"))
        self.assertContains(page, "Ship&#x27;s biscuit")
        self.assertContains(page, "hit: stored at")
        self.assertContains(page, f"{Product.objects.count()} products, together")
        self.assertNotContains(page, "waiting")

    def test_front_page_survives_without_cache_and_broker(self) -> None:
        with mock.patch("catalogue.views.cache") as cache:
            cache.get.side_effect = cache.add.side_effect = ConnectionError("gone")
            page = self.client.get(reverse("front"))
        self.assertContains(page, "not available")
        self.assertContains(page, "waiting")

    def test_upload_is_stored_and_shown(self) -> None:
        with tempfile.TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
            page = self.client.post(reverse("upload"), {"file": SimpleUploadedFile("a.png", b"png")}, follow=True)
            self.assertContains(page, Upload.objects.get().file.url)
            refused = self.client.post(reverse("upload"), {"file": SimpleUploadedFile("a.svg", b"<svg/>")})
        assert refused.status_code == 400

    def test_health_names_what_fails(self) -> None:
        assert self.client.get(reverse("health")).json()["status"] == "ok"
        with mock.patch("catalogue.checks.django_cache.get", return_value=None):
            answer = self.client.get(reverse("health"))
        assert answer.status_code == 503
        assert answer.json()["cache"] == "failed (RuntimeError)"
        assert answer.json()["database"] == "ok"

    def test_only_the_newest_ticks_are_kept(self) -> None:
        with mock.patch("catalogue.tasks.KEEP", 3):
            for _ in range(5):
                tasks.tick()
        assert Tick.objects.count() == 3
