"""What writes Word files and workbooks is an extra: who has not installed it is told so."""

from importlib import import_module
from types import ModuleType

_PACKAGES = {"docx": "python-docx", "xlsxwriter": "XlsxWriter"}


class NotInstalled(Exception):
    """A kind of file cannot be written here; the text says what to install."""


def needed(module: str) -> ModuleType:
    """Return a module of the extra `papers`; raise NotInstalled where it is not there."""
    try:
        return import_module(module)
    except ImportError:
        raise NotInstalled(
            f"{_PACKAGES[module]} is not installed, which this kind of file needs: install stackmeter with the extra papers"
            " (pip install 'stackmeter[papers]'), or ask for html, csv or json"
        ) from None
