"""Ten releases and more in a row, while visitors come and tasks run: nothing is lost, nothing happens twice."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter

import load
import pytest

# How many, of how many seconds.
TASKS = ((440, 0.01), (50, 0.4), (10, 4))


@pytest.mark.alone
def test_nothing_is_lost_over_many_releases(host, variables, site, page, play, project, until):
    switched: list[tuple[float, str]] = []

    def release(**variables: object) -> str:
        number = project.next_release()
        play(**variables)
        switched.append((time.time(), number))
        return number

    begin = int(time.time()) % 100_000 * 10_000
    with load.on(variables["ansible_host"], site.name) as visitors:
        time.sleep(5)
        # Code, while tasks wait and run.
        expected = []
        for count, seconds in TASKS:
            first = begin + len(expected)
            assert page(f"/queue/?first={first}&count={count}&seconds={seconds}")["queued"] == count
            expected += range(first, first + count)
        release()
        # Static files: a page of the former release still finds its stylesheet.
        stylesheet = page()["stylesheet"]
        project.edit("meter/static/meter/meter.css", "navy", "teal")
        last = release()
        assert page()["stylesheet"] != stylesheet
        assert "navy" in site.get(stylesheet).text
        assert "teal" in site.get(page()["stylesheet"]).text
        # Settings.
        play(stack_environment={"COLOUR": "blue"})
        assert page()["colour"] == "blue"
        # More containers, and fewer; then a release of two.
        play(stack_web_replicas=2)
        assert host.check_output("docker compose -p meter ps --quiet web | wc -l") == "2"
        last = release(stack_web_replicas=2)
        play(stack_web_replicas=1)
        assert host.check_output("docker compose -p meter ps --quiet web | wc -l") == "1"
        # Back, and on again.
        former = switched[-2][1]
        play("rollback")
        assert page()["release"] == last, "the change of replicas was a release too"
        play("rollback", rollback_release=_number_of(host, former))
        switched.append((time.time(), former))
        release()
        # Nginx: its configuration, its certificate, another image of it.
        play("site", nginx_site_client_max_body_size="21m")
        serial = site.serial()
        environment = host.check_output("systemctl show certbot.service --property=Environment --value")
        host.check_output(f"{environment} certbot renew --cert-name meter --force-renewal --no-random-sleep-on-renew")
        until(lambda: site.serial() != serial, seconds=10)
        holder = host.check_output("docker inspect --format '{{.State.StartedAt}}' nginx-edge-1")
        host.check_output("docker tag nginx:1.30 nginx:another")
        nginx = host.check_output("docker compose -p nginx ps --quiet nginx")
        play("site", nginx_image="nginx:another")
        assert host.check_output("docker compose -p nginx ps --quiet nginx") != nginx
        assert host.check_output("docker inspect --format '{{.State.StartedAt}}' nginx-edge-1") == holder
        # The next site.yml brings the former image back.
        release()
        time.sleep(5)

    # What began after a release was done is answered by it or by a later one, never by one before.
    for index, (moment, _) in enumerate(switched):
        answered = visitors.releases_since(moment)
        assert answered, "nobody came after it"
        assert answered <= {number for _, number in switched[index:]}
    kinds = Counter(one.client for one in visitors.done())
    print(f"{sum(kinds.values())} requests, none failed: {dict(kinds)}")
    assert set(kinds) == {"busy", "idle", "slow", "fresh", "http/2"}

    # Each task ran once, from its beginning to its end.
    until(lambda: set(expected) <= set(page("/runs/")["ended"]), seconds=60)
    runs = page("/runs/")
    for kind in ("began", "ended"):
        assert sorted(number for number in runs[kind] if number >= begin) == expected
    # Beat ticks every 2 s: never two at once, and never more than one missed.
    ticks = [at for at in page("/ticks/")["ticks"] if at > visitors.began]
    gaps = [after - before for before, after in itertools.pairwise(ticks)]
    print(f"{len(ticks)} ticks, {min(gaps):.2f} to {max(gaps):.2f} s apart")
    assert len(ticks) > 50
    assert max(gaps) < 6
    assert min(gaps) > 0.5


def _number_of(host, release: str) -> int:
    """The number in the ledger of a release of the project, by what its code says."""
    for number in sorted(map(int, host.check_output("cd /srv/meter/releases && ls -d */.env | cut -d/ -f1").split())):
        image = host.check_output(f"sed -n 's/^  image: //p' /srv/meter/releases/{number}/compose.yaml | head -1")
        code = host.check_output(f"docker run --rm --network=none --entrypoint=cat {image} meter/settings.py")
        if re.search(rf'^RELEASE = "{release}"$', code, re.MULTILINE):
            return number
    raise AssertionError(f"release {release} is not kept")
