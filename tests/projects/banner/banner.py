from pathlib import Path


def text() -> str:
    return Path(__file__).with_name("motto.txt").read_text(encoding="utf-8").strip()
