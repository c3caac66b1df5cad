"""The options of `stackmeter run`, derived from the settings: a new setting needs no word about it here."""

from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperCommand


class SettingsCommand(TyperCommand):
    """A command with an option for each setting; `context.obj` has what was given of them, None where nothing was."""

    _whole: list[Any] | None = None

    @property
    def params(self) -> list[Any]:
        """Its own options and those of the settings, which take a moment to load."""
        if self._whole is None:
            self._whole = [*self._own, *_options()]
        return self._whole

    @params.setter
    def params(self, own: list[Any]) -> None:
        self._own = own

    def invoke(self, ctx: Any) -> Any:
        """Call the function with its own options."""
        own = {one.name for one in self._own}
        ctx.obj = {name: ctx.params.pop(name) for name in list(ctx.params) if name not in own}
        return super().invoke(ctx)


def _options() -> list[Any]:
    from stackmeter.settings import Settings

    def function(**_given: object) -> None: ...

    named = [_parameter(name, field) for name, field in Settings.model_fields.items()]
    vars(function)["__signature__"] = Signature(named)
    function.__annotations__ = {one.name: one.annotation for one in named}
    probe = typer.Typer(add_completion=False)
    probe.command()(function)
    return [one for one in typer.main.get_command(probe).params if one.name in function.__annotations__]


def _parameter(name: str, field: Any) -> Parameter:
    from stackmeter.settings import flag_of

    flag = flag_of(name)
    option = typer.Option(flag.name, help=field.description, show_default=flag.default or False)
    kinds = {field.annotation, *get_args(field.annotation)}
    kind = next((one for one in (Path, int) if one in kinds), str)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])
