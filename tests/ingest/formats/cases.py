"""Reads the case folders of `tests/cases/ingest`, described in the README there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[2] / "cases" / "ingest"


@dataclass(frozen=True)
class Message:
    """One message to publish, and what is expected of it."""

    topic: bytes
    payload: bytes
    retain: bool
    expected: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A folder: messages in the order of publication."""

    name: str
    messages: list[Message]


def all_cases() -> list[Case]:
    """Return every case, by name."""
    return [_case(path.parent) for path in sorted(FOLDER.glob("*/expected.yaml"))]


def _case(folder: Path) -> Case:
    document = YAML(typ="safe", pure=True).load(folder / "expected.yaml")
    made = document.get("make", {})
    topic = _made(made["topic"]) if "topic" in made else (folder / "topic.txt").read_bytes()
    payloads = [_made(made["payload"])] if "payload" in made else _payloads(folder)
    expected = document["messages"]
    if document.get("every_prefix"):
        payloads = [payloads[0][:end] for end in range(1, len(payloads[0]))]
        expected = expected * len(payloads)
    retain = document.get("retain", False)
    return Case(
        folder.name,
        [
            Message(topic, payload, retain, outcome)
            for payload, outcome in zip(payloads, expected, strict=True)
        ],
    )


def _payloads(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("payload*"))]


def _made(parts: list[dict[str, Any]]) -> bytes:
    return b"".join(part["text"].encode() * part.get("times", 1) for part in parts)
