"""Where things lie: recipes and built-in data beside the package in a checkout, inside it once
installed; what multigan keeps for the user in folders of theirs."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """The folder of shipped files called ``name`` (``recipes`` or ``data``)."""
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def config_folder() -> Path:
    """Where choices of the user are kept: ``$XDG_CONFIG_HOME/multigan``, else
    ``~/.config/multigan``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "multigan"


def cache_folder() -> Path:
    """Where decoded data are kept: ``$MULTIGAN_CACHE``, else ``~/.cache/multigan``."""
    given = os.environ.get("MULTIGAN_CACHE")
    return (
        Path(given)
        if given
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multigan"
    )
