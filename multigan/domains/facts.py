"""Facts of a kept model: whether they fit the recipe beside them. They may be anybody's."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from multigan.errors import CheckpointError
from multigan.samples import Facts


def check_shape(facts: Facts, wanted: tuple[int, ...]) -> None:
    """Raise `CheckpointError` unless representations have the shape that the recipe gives them."""
    if facts.shape != wanted:
        raise CheckpointError(
            f"config.json: `facts.shape` = {list(facts.shape)}, and its recipe makes {list(wanted)}"
        )


def check_constants(facts: Facts, kind: type[Any]) -> Any:
    """The constants as what ``kind`` says they are; raises `CheckpointError` that names the first
    that is not."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(facts.constants))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, ("facts", "constants", *first["loc"])))
        raise CheckpointError(f"config.json: `{key}`: {first['msg']}") from None
