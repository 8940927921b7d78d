import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kiosk.models import Beat


class Command(BaseCommand):
    help = "Write a row every few seconds until told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--interval", type=float, default=2.0)

    def handle(self, *_args: Any, interval: float, **_options: Any) -> None:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        while not stop.is_set():
            Beat.objects.create()
            stop.wait(interval)
        self.stdout.write("heartbeat: stopped as told")
