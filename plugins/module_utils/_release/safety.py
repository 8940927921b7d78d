# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a release may run its migrations while the code before it serves. Pure functions.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.landfall.django.plugins.module_utils._database.judge import UNKNOWN, judge
from ansible_collections.landfall.django.plugins.module_utils._database.project import Project

SAFE = "safe"  # the policy that refuses what others warn of


@dataclass(frozen=True)
class Judged:
    """What is said of pending migrations, and why the release is refused; empty where it is not."""

    warnings: tuple[str, ...] = ()
    refusal: str = ""


def judged(policy: str, answer: Project | None, *, despite: bool) -> Judged:
    """Judge the pending migrations by a site's policy. Nothing is said where Django was not asked.

    With `despite`, they are not refused.
    """
    found = judge(answer.changes, answer.vendor) if answer else []
    risks = [str(one) for one in found if one.kind != UNKNOWN]
    # Whoever wants only safe migrations has to read these.
    unknown = [str(one) for one in found if one.kind == UNKNOWN] if policy == SAFE else []
    warnings = [*risks, *unknown]
    if policy != SAFE or not risks:
        return Judged(tuple(warnings))
    if despite:
        said = "deploy_despite_migrations was set, so the unsafe migrations below were not refused"
        return Judged((said, *warnings))
    lines = "".join(f"\n- {line}" for line in warnings)
    return Judged(
        tuple(warnings),
        "stack_migrations is safe, but pending migrations can make the code in service fail. No migration ran. Change"
        f" them as said below, or add -e deploy_despite_migrations=true to run them once:{lines}",
    )
