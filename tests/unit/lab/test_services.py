from __future__ import annotations

import pytest

from lab import docker, images, services


def test_the_mirror_gets_what_is_wanted_and_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[str] = []
    monkeypatch.setattr(docker, "inspect", lambda _kind, name, _form: f"id of {name}")
    monkeypatch.setattr(services, "stored", lambda one: ("id of redis:8",) if one.official == "redis:8" else ())
    monkeypatch.setattr(services, "_push", lambda one: pushed.append(one.official))
    services.fill_registry(images.needed({"trixie"}, {"postgres:18"}))
    assert "postgres:18" in pushed
    assert "mysql:9.7" in pushed
    assert not {"redis:8", "postgres:17", "registry:2"} & set(pushed)


def test_images_are_mirrored_under_docker_hubs_full_names(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr(docker, "docker", lambda *words: said.append(words))
    for image in images.catalogue():
        if image.official in ("postgres:18", "pgvector/pgvector:pg18"):
            services._push(image)
    pushed = {words[-1] for words in said if words[0] == "push"}
    assert pushed == {"127.0.0.1:5077/library/postgres:18", "127.0.0.1:5077/pgvector/pgvector:pg18"}
