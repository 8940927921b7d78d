# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Celery's queues in the stack's Redis: how many tasks wait, and for how long.

A task does not say when it was sent. What can be known is since when the same task has been next in line: it has waited
at least that long. Where nobody takes tasks, that is the age of the oldest task to within a round; where the queue only
moves slowly, its length tells. Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._docker.compose import Compose
from ansible_collections.landfall.django.plugins.module_utils._status.look import Found, Measure

Heads = dict[str, tuple[str, float]]

# The password stays in the container.
_CLIENT = 'REDISCLI_AUTH="$(cat /run/secrets/password)" exec redis-cli -e "$@"'
# kombu has a set of bindings per exchange, whose members end with the name of a queue, and up to four lists per queue,
# one per priority. The oldest task of a list is its last. No task leaves Redis: a digest tells one from another. An
# empty queue counts too. Answers to the worker's remote control are no tasks.
_BINDINGS = "_kombu.binding.*"
_SCRIPT = r"""
local found, done = {}, {}
for _, key in ipairs(KEYS) do
  for _, member in ipairs(redis.call('SMEMBERS', key)) do
    local queue = string.match(member, '[^\6\22]*$')
    for _, priority in ipairs({'', '\6\0223', '\6\0226', '\6\0229'}) do
      local name = queue .. priority
      local there = redis.call('TYPE', name).ok == 'list'
      if not done[name] and string.sub(queue, -7) ~= '.pidbox' and (there or priority == '') then
        done[name] = true
        local digest = there and redis.sha1hex(redis.call('LINDEX', name, -1)) or ''
        table.insert(found, {queue, name, there and redis.call('LLEN', name) or 0, digest})
      end
    end
  end
end
return cjson.encode({lists = found})
"""


@dataclass(frozen=True)
class Tasks:
    """The tasks of one priority that wait in a queue, in the list `name`. `head` is a digest of the oldest, if any."""

    queue: str
    name: str
    count: int
    head: str


def parse(text: str) -> list[Tasks]:
    """Return the lists from what the script prints. Lua has no empty list: it prints {} for one."""
    return [Tasks(*entry) for entry in json.loads(text)["lists"] or []]


def read(stack: str, root: str) -> list[Tasks]:
    """Return the lists of all queues. Raises DockerError where Redis does not answer."""
    client = ("exec", "-T", "redis", "sh", "-c", _CLIENT, "redis-cli")
    compose = Compose(root, stack)
    keys = compose(*client, "--scan", "--pattern", _BINDINGS, timeout=30).split("\n")
    keys = [key for key in keys if key]
    return parse(compose(*client, "--eval", "/dev/stdin", *keys, given=_SCRIPT, timeout=30)) if keys else []


def waiting(lists: Iterable[Tasks], heads: Mapping[str, tuple[str, float]], now: float) -> tuple[Found, Heads]:
    """Return length and age of each queue as measures, and the heads to remember until the next round."""
    counts: dict[str, int] = {}
    ages: dict[str, float] = {}
    after: Heads = {}
    for tasks in lists:
        head, since = heads.get(tasks.name, ("", now))
        after[tasks.name] = (tasks.head, since if head == tasks.head and tasks.count else now)
        # A clock may be set back.
        age = max(0.0, now - after[tasks.name][1])
        counts[tasks.queue] = counts.get(tasks.queue, 0) + tasks.count
        ages[tasks.queue] = max(ages.get(tasks.queue, 0.0), age)
    measures = [Measure("queue_tasks", count, {"queue": queue}) for queue, count in counts.items()]
    measures += [Measure("queue_oldest_task_age_seconds", age, {"queue": queue}) for queue, age in ages.items()]
    return Found(measures=measures), after


def problems(measures: Iterable[Measure], most: int, minutes: int) -> list[str]:
    """Return one sentence for each queue that is too long, and for each whose oldest task has waited too long."""
    sentences = []
    for one in measures:
        about = f"queue {one.labels['queue']}"
        if one.name == "queue_tasks" and one.value > most:
            sentences.append(
                f"{about}: {one.value:.0f} tasks wait, more than queue_tasks of stack_alarms, {most}: see the logs of"
                " the workers, or give them more processes."
            )
        if one.name == "queue_oldest_task_age_seconds" and one.value > minutes * 60:
            sentences.append(
                f"{about}: its oldest task has waited for {one.value / 60:.0f} minutes or more, and queue_minutes of"
                f" stack_alarms is {minutes}: see whether a worker of this queue runs, and its log."
            )
    return sentences
