"""Flags of a command that are declared elsewhere: one for each option of a built-in domain."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from multigan.options import Option
from multigan.registry import declared_options


def with_declared(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter ``options`` is a flag for each option that domains declare; it is
    handed those that were given, by name."""
    signature = inspect.signature(command)
    declared = [o for o in declared_options() if o.name not in signature.parameters]
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        flags = [_flag(option) for option in declared]
        parameters += flags if parameter.name == "options" else [parameter]

    @wraps(command)
    def with_options(**given: Any) -> None:
        found = {option.name: given.pop(option.name) for option in declared}
        command(**given, options={name: v for name, v in found.items() if v is not None})

    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options


def _flag(option: Option) -> inspect.Parameter:
    shown = False if option.default is None else str(option.default)
    flag = typer.Option(help=option.help, show_default=shown)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None,
        annotation=Annotated[option.type | None, flag],
    )
