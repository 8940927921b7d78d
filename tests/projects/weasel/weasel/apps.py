from django.apps import AppConfig
from django.conf import settings

from .plant import plant


class Weasel(AppConfig):
    """As a bad dependency would: every command of the project plants, wherever it may write."""

    name = "weasel"

    def ready(self) -> None:
        plant(settings.STATIC_ROOT)
        plant(settings.MEDIA_ROOT)
