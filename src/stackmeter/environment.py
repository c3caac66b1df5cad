"""An environment for tools that read a configuration and send no webhook: every secret is there, and none is real."""

from collections.abc import Iterator, Mapping

_SECRET = "whsec_" + "A" * 40


class AnySecret(Mapping[str, str]):
    """Has a well-formed secret under every name, so that a tool needs none of the service's."""

    def __getitem__(self, _name: str) -> str:
        return _SECRET

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
