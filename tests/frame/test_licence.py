"""The licence that we say is the licence that we ship."""

import hashlib
import tomllib

from tests.frame.repository import text

# The text as the Apache Software Foundation publishes it, without regard to white space.
APACHE_2 = "0ffddef9e48f8a09aed5caf2d44f7ba1c1be2d9b8e0a6f693b1635b2d5566645"


def test_the_licence_is_apache_2() -> None:
    words = " ".join(text("LICENSE").split())

    assert hashlib.sha256(words.encode()).hexdigest() == APACHE_2


def test_the_package_says_so_too() -> None:
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "Apache-2.0"
