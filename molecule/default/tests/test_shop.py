"""The example project, from a visitor's chair and from the host's, after a reboot."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope="module")
def site(visit):
    return visit("shop")


@pytest.fixture(scope="module")
def page(site):
    """The front page, once every part of it has had its time: the task its worker, the tick its schedule."""
    return site.eventually("/", lambda answer: answer.status == 200 and "waiting" not in answer.text, seconds=90)


def test_the_page_shows_what_every_service_did(page):
    assert page.status == 200
    assert page.text.count('class="price"') > 1
    for part in ("cache", "task", "tick"):
        assert re.search(rf'id="{part}">[^<]+<', page.text)


def test_its_stylesheet_and_image_are_served_by_nginx(site, page):
    for pattern, kind in (
        (r'href="(/static/[^"]+\.css)"', "text/css"),
        (r'src="(/static/[^"]+\.svg)"', "image/svg+xml"),
    ):
        answer = site.get(re.search(pattern, page.text).group(1))
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert "cache-control" in answer.headers


def test_the_admin_asks_for_a_password(site):
    answer = site.get("/admin/login/")
    assert answer.status == 200
    assert 'name="password"' in answer.text


def test_every_domain_is_served_with_a_certificate_of_the_authority(site):
    assert site.get("/health/", name=f"www.{site.name}").status == 200


def test_http_leads_to_https(site):
    answer = site.get("/anything?x=1", scheme="http")
    assert (answer.status, answer.headers["location"]) == (301, f"https://{site.name}/anything?x=1")


def test_an_unknown_name_gets_no_answer(site):
    with pytest.raises(ConnectionError):
        site.get("/", name="unknown.example", scheme="http")


def test_an_uploaded_file_is_served(site):
    answer = site.upload("/upload/", "file", "note.txt", b"kept outside the container")
    url = re.search(r'"(/media/[^"]*note[^"]*\.txt)"', answer.text).group(1)
    served = site.get(url)
    assert (served.status, served.text) == (200, "kept outside the container")
    assert served.headers["x-content-type-options"] == "nosniff"


def test_nobody_but_root_reads_the_secrets(host):
    secrets = host.file("/srv/shop/.env")
    assert (secrets.user, secrets.group, secrets.mode) == ("root", "root", 0o600)


def test_no_secret_and_no_history_is_in_the_image(host):
    image = host.check_output("docker inspect --format '{{.Image}}' $(docker compose -p shop ps -q web)")
    bare = f"docker run --rm --network=none --user=root --entrypoint=%s {image}"
    assert host.check_output(f"{bare % 'find'} / -xdev -name .env -o -xdev -name .git") == ""
    for name in ("secret_key", "db/password", "db/root_password", "redis/password"):
        secret = host.check_output(f"cat /srv/shop/secrets/{name}")
        assert len(secret) == 64
        assert host.run(f"{bare % 'grep'} -rqF -e {secret} /app /opt /home /root /etc /var /tmp").rc == 1
        assert secret not in host.check_output(f"docker history --no-trunc {image}")


def test_the_project_does_not_run_as_root(host):
    for service in ("web", "celery", "celery-beat"):
        assert host.check_output("docker compose -p shop exec -T %s id -u", service) == "10001"


def test_redis_refuses_who_has_no_password(host):
    said = host.check_output("docker compose -p shop exec -T redis redis-cli ping")
    assert "NOAUTH" in said


@pytest.mark.parametrize("service", ["db", "redis"])
def test_a_service_is_healthy_only_for_who_may_log_in(host, service):
    check = host.check_output(f"docker inspect --format '{{{{index .Config.Healthcheck.Test 1}}}}' shop-{service}-1")
    assert host.run("docker exec shop-%s-1 sh -c %s", service, check).rc == 0
    wrong = check.replace("$(cat /run/secrets/password)", "wrong")
    assert wrong != check
    assert host.run("docker exec shop-%s-1 sh -c %s", service, wrong).rc != 0


def test_the_databases_root_is_let_in_from_its_own_container_only(host):
    sql = "select host from mysql.user where user='root'"
    ask = f'MYSQL_PWD=$(cat /run/secrets/root_password) mysql -uroot -N -e "{sql}"'
    hosts = host.check_output("docker compose -p shop exec -T db sh -c %s", ask)
    assert hosts == "localhost"


def test_other_stacks_and_the_internet_cannot_be_reached_from_the_database(host):
    assert host.check_output("docker network inspect --format '{{.Internal}}' shop_data") == "true"
    members = host.check_output("docker network inspect --format '{{range .Containers}}{{.Name}} {{end}}' shop_front")
    assert sorted(re.sub(r"-\d+$", "", name) for name in members.split()) == ["nginx-edge", "shop-web"]


def test_a_renewed_certificate_is_served_soon(host, site, until):
    before = site.serial()
    environment = host.check_output("systemctl show certbot.service --property=Environment --value")
    host.check_output(f"{environment} certbot renew --cert-name shop --force-renewal --no-random-sleep-on-renew")
    # Nginx answers a signal: the former workers accept until the new ones do.
    until(lambda: site.serial() != before, seconds=10)


def test_the_beat_schedule_lives_on_the_host(host):
    assert host.file("/srv/shop/beat/schedule").size > 0


def test_status_shows_a_healthy_stack(ansible_playbook):
    done = ansible_playbook("landfall.django.status")
    assert done.returncode == 0, done.stdout
    for service in ("db", "redis", "web", "celery", "celery-beat", "nginx"):
        assert re.search(rf"\b{service}\b.*running", done.stdout)


def test_a_certificate_that_is_renewed_but_not_served_is_noticed(host, site, ansible_playbook, until):
    """The hook fails, since Nginx refuses its configuration; the next run of the site puts it right."""
    environment = host.check_output("systemctl show certbot.service --property=Environment --value")
    broken = "/srv/nginx/conf.d/broken.conf"
    before = site.serial()
    try:
        host.check_output(f"echo 'nonsense;' >{broken}")
        host.check_output(f"{environment} certbot renew --cert-name shop --force-renewal --no-random-sleep-on-renew")
        assert site.serial() == before
        done = ansible_playbook("landfall.django.status")
    finally:
        host.check_output(f"rm {broken}")
    assert done.returncode != 0
    assert "certificate: shop." in done.stdout
    assert "/srv/nginx/reload" in done.stdout
    assert "unknown directive" in done.stdout
    host.check_output("RENEWED_LINEAGE=/etc/letsencrypt/live/shop /etc/letsencrypt/renewal-hooks/deploy/shop")
    until(lambda: site.serial() != before, seconds=10)
    done = ansible_playbook("landfall.django.status")
    assert done.returncode == 0, done.stdout
    assert re.search(r"shop\.\S+ .* as on disk", done.stdout)


def test_a_frozen_worker_is_noticed(host, ansible_playbook, until):
    """Last in the file: it takes until the heartbeat is too old and three checks have failed."""
    pids = host.check_output("docker compose -p shop top celery | awk '/celery_heartbeat/ {print $2}' | xargs")
    health = "docker inspect --format '{{.State.Health.Status}}' $(docker compose -p shop ps -q celery)"
    try:
        host.check_output(f"kill -STOP {pids}")
        until(lambda: host.check_output(health) == "unhealthy", seconds=120)
        done = ansible_playbook("landfall.django.status")
        assert done.returncode != 0
        assert "celery" in done.stdout
    finally:
        host.check_output(f"kill -CONT {pids}")
    until(lambda: host.check_output(health) == "healthy", seconds=60)
