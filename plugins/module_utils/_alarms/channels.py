# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell somebody: by a command, a URL, e-mail or Apprise.

What is built is pure. A target may be a secret: it is in no argument and in no message. Private to this collection.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.policy import SMTP

from ansible_collections.landfall.django.plugins.module_utils._alarms import post
from ansible_collections.landfall.django.plugins.module_utils._alarms.settings import Channel
from ansible_collections.landfall.django.plugins.module_utils._alarms.state import Event
from ansible_collections.landfall.django.plugins.module_utils._commands.run import run

_SENDMAIL = "/usr/sbin/sendmail"
_TIMEOUT = 30  # seconds for one delivery
# In memory: an alarm about a full disk must get out, too.
_MEMORY = "/run"


@dataclass(frozen=True)
class Message:
    """What is told in one delivery."""

    stack: str
    host: str
    events: Sequence[Event]

    @property
    def title(self) -> str:
        over = sum(event.level == "recovered" for event in self.events)
        parts = [_count(len(self.events) - over, "problem"), f"{over} recovered" if over else ""]
        return f"{self.stack} on {self.host}: {', '.join(part for part in parts if part)}"

    @property
    def text(self) -> str:
        return "\n".join(_line(event) for event in self.events)

    @property
    def kind(self) -> str:
        """The kind of notification, as Apprise has them."""
        levels = {event.level for event in self.events}
        return "failure" if "severe" in levels else "warning" if "problem" in levels else "success"

    @property
    def body(self) -> bytes:
        """The message as JSON, with `text` where chat programs look for it."""
        data = {
            "stack": self.stack,
            "host": self.host,
            "title": self.title,
            "text": f"{self.title}\n{self.text}",
            "events": [asdict(event) for event in self.events],
        }
        return json.dumps(data).encode()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _line(event: Event) -> str:
    if event.level == "recovered":
        return f"RECOVERED at {event.at}, since {event.since} it was: {event.sentence}"
    return f"{event.level.upper()} since {event.since}: {event.sentence}"


def mail(address: str, message: Message) -> bytes:
    """Return an e-mail for `sendmail -t`, which adds the sender."""
    letter = EmailMessage(policy=SMTP)
    letter["To"] = address
    letter["Subject"] = message.title
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    return letter.as_bytes()


def apprise(config: str, message: Message) -> list[str]:
    """Return the command that tells the URLs of a file the text of its standard input."""
    return ["apprise", f"--config={config}", f"--title={message.title}", f"--notification-type={message.kind}"]


def deliver(channel: Channel, message: Message) -> str:
    """Deliver a message. Return what went wrong, without the target; empty if it was taken."""
    try:
        if channel.kind == "url":
            return post.problem(post.send(channel.target, message.body, "application/json"))
        if channel.kind == "command":
            return _run(shlex.split(channel.target), f"{message.body.decode()}\n")
        if channel.kind == "email":
            return _run([_SENDMAIL, "-t", "-i"], mail(channel.target, message).decode())
        with tempfile.NamedTemporaryFile("w", dir=_MEMORY, encoding="utf-8") as file:
            file.write(f"{channel.target}\n")
            file.flush()
            return _run(apprise(file.name, message), message.text)
    except OSError as error:
        return post.reason(error)


def deliver_all(
    channels: Iterable[Channel],
    waiting: dict[str, list[Event]],
    stack: str,
    host: str,
    *,
    taken: Callable[[], object] = lambda: None,
) -> dict[str, str]:
    """Deliver what waits for each channel, and return the reasons of failures. What was taken waits no more.

    `taken` is called after each delivery: what it saves is not told twice.
    """
    undelivered = {}
    for channel in channels:
        events = waiting.get(channel.name)
        if not events:
            continue
        problem = deliver(channel, Message(stack, host, events))
        if problem:
            undelivered[channel.name] = problem
        else:
            waiting[channel.name] = []
            taken()
    return undelivered


def _run(command: list[str], given: str) -> str:
    """Run a program. Its output may repeat a secret, so that only its exit code is told."""
    try:
        done = run(command, given, timeout=_TIMEOUT)
    except FileNotFoundError:
        return f"{command[0]} is not installed on the host"
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {_TIMEOUT} seconds"
    return f"{command[0]} failed with code {done.returncode}" if done.returncode else ""
