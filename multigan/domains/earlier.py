"""Methods that domains of one's own had in earlier versions: nobody would call them."""

from multigan.domains.presenter import Presenter
from multigan.errors import UserError

_RENAMED = {
    "augmentation": "augmentations, a table of what makes each by its name",
    "warmup": "stages(), a list",
}


def refuse_earlier(kind: type) -> None:
    """Raise `UserError` for a domain class with a method that is now elsewhere."""
    name = f"{kind.__module__}:{kind.__name__}"
    for old, new in _RENAMED.items():
        if old in vars(kind):
            raise UserError(f"{name} has {old}(): it is now {new}")
    misplaced = sorted(Presenter.__abstractmethods__ & vars(kind).keys())
    if misplaced:
        raise UserError(
            f"{name} has {' and '.join(misplaced)}, which a Presenter has: move them to one, and "
            "name it as presenter_type"
        )
