"""Where things lie: recipes and built-in data beside the package in a checkout, inside it once
installed; what multigan keeps for the user in folders of theirs."""

import json
import os
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """The folder of shipped files called ``name`` (``recipes`` or ``data``)."""
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def how_to_add(extra: str) -> str:
    """The command that installs an extra, from where this package came from: a clone, git, or a
    registry."""
    return f"pip install {shlex.quote(_origin().format(f'multigan[{extra}]', f'[{extra}]'))}"


def _origin() -> str:
    """What pip is told, with places for the package and for the extra alone."""
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return f"{_PACKAGE.parent}{{1}}"
    try:
        told = distribution("multigan").read_text("direct_url.json")
    except PackageNotFoundError:
        return "{0}"
    url = urlsplit(json.loads(told)["url"] if told else "")
    clone = Path(url2pathname(url.path))
    if url.scheme == "file" and (clone / "pyproject.toml").is_file():
        return f"{clone}{{1}}"
    return f"{{0}} @ git+{url.geturl()}" if told and "vcs_info" in told else "{0}"


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
