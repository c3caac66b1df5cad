"""Reads a Mosquitto configuration as far as `stackmeter doctor` judges it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_MANY = {"listener", "log_type", "log_dest"}  # options of which each further one adds

_OF_A_LISTENER = {
    "cafile", "certfile", "keyfile", "crlfile", "tls_version", "require_certificate", "use_identity_as_username",
    "use_username_as_clientid", "max_connections",
}  # fmt: skip


@dataclass
class Listener:
    """One listener and the options that follow it."""

    port: str
    address: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.address in {"localhost", "127.0.0.1", "::1"} or self.port == "0"

    @property
    def is_tls(self) -> bool:
        """Whether it speaks TLS."""
        return "certfile" in self.options


@dataclass
class MosquittoFile:
    """Options that stand once, and listeners with theirs. Files that it names are as the broker's machine has them."""

    path: Path
    options: dict[str, str] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    def options_of_the_broker(self) -> dict[str, str]:
        """Return all options but those of a listener alone."""
        found = dict(self.options)
        for one in self.listeners:
            found |= {name: value for name, value in one.options.items() if name not in _OF_A_LISTENER}
        return found

    def option(self, name: str, default: str = "") -> str:
        """Return one of them."""
        return self.options_of_the_broker().get(name, default)


def read(path: Path) -> MosquittoFile:
    """Return what a file and those that it includes say; raise OSError where one cannot be read."""
    found = MosquittoFile(path)
    for name, value in _lines(path):
        if name == "listener":
            port, _, address = value.partition(" ")
            found.listeners.append(Listener(port, address.strip()))
        elif name not in _MANY:
            into = found.listeners[-1].options if found.listeners else found.options
            into[name] = value
    return found


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        name, _, value = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        if name == "include_dir":
            for included in sorted(Path(value.strip()).glob("*.conf")):
                yield from _lines(included)
        else:
            yield name, value.strip()
