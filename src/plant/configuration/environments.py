"""Environments for a configuration's secrets: one for tools that send no webhook, and one that notes what was asked for."""

import base64
import hashlib
from collections.abc import Iterator, Mapping


class AnySecret(Mapping[str, str]):
    """Has a well-formed secret of its own under every name, so that a tool needs none of the service's."""

    def __getitem__(self, name: str) -> str:
        return f"whsec_{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class NotingEnvironment(Mapping[str, str]):
    """Another environment, and under which names somebody looked there."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)
