"""What a process of the tests does again and again, done once: the suite makes thousands of APIs, all of the same routes.

Nothing of it changes what an API answers. A service that is started as anybody would start it has none of it.
"""

import gc
from typing import Any

from fastapi._compat.v2 import ModelField, asdict
from fastapi.dependencies import models
from pydantic import TypeAdapter

_compiled: dict[tuple[object, ...], TypeAdapter[Any]] = {}
_compile = ModelField.__post_init__


def remember_parameters() -> None:
    """Let FastAPI compile a parameter, body or answer of routes once in this process, where it is declared alike."""
    ModelField.__post_init__ = _post_init  # type: ignore[method-assign]


def _post_init(field: ModelField) -> None:
    declared = asdict(field.field_info)
    attributes = sorted(declared["attributes"].items(), key=lambda one: one[0])
    key = (
        field.mode, declared["annotation"], repr(declared["metadata"]), repr(attributes), repr(field.config)
    )  # fmt: skip
    try:
        known = _compiled.get(key)
    except TypeError:  # an annotation that has no hash
        _compile(field)
        return
    if known is None:
        _compile(field)
        known = _compiled[key] = field._type_adapter
    field._type_adapter = known


def forget_endpoints() -> None:
    """Let go of the endpoints that FastAPI remembers, some thousands, each with the whole API that it belongs to."""
    for remembered in vars(models).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


def keep_for_good() -> None:
    """Take what is in memory by now for what stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
