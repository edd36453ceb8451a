"""What of an archive multigan has written itself: runs, models and generated samples, which are no
data there either."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multigan.domains.made import MARKER
from multigan.domains.walk import MARKS, OF_A_RUN, RUN, written_by_us

SIGNS = (b"recipe.toml", b"model.safetensors", MARKER)
"""Without one of these names in it an archive holds nothing of ours."""

_CHECKPOINTS = b"checkpoints"


@dataclass
class Ours:
    """The folders of an archive that are ours, and the generated samples of others."""

    names: dict[bytes, set[bytes]] = field(default_factory=dict)  # telling ones, by folder
    made: dict[bytes, Mapping[bytes, str]] = field(default_factory=dict)  # by folder
    folders: dict[bytes, str] = field(default_factory=dict)  # what each is

    def see(self, path: bytes) -> None:
        """Note the path of a member."""
        folder, _, name = path.rpartition(b"/")
        if name in MARKS:
            self.names.setdefault(folder, set()).add(name)
        before, found, _ = b"/".join((b"", folder, b"")).partition(b"/checkpoints/")
        if found:
            self.names.setdefault(before[1:], set()).add(_CHECKPOINTS)

    def judge(self) -> None:
        """Which folders are ours, once every path has been seen."""
        judged = {folder: written_by_us(names) for folder, names in self.names.items()}
        self.folders = {folder: what for folder, what in judged.items() if what}

    def around(self, path: bytes) -> tuple[bytes, str] | None:
        """The run, the model, or the part of a run in the very top that a member lies in, and what
        that is; None of any other."""
        if not self.folders:
            return None
        parts = path.split(b"/")
        for i in range(1, len(parts)):
            folder = b"/".join(parts[:i])
            if folder in self.folders:
                return folder, self.folders[folder]
        if self.folders.get(b"") == RUN and parts[0] in OF_A_RUN:
            return parts[0], "of a run of multigan"
        return None

    def what(self, path: bytes) -> str:
        """``sample`` or ``sheet`` of a member that was generated; empty of any other."""
        folder, _, name = path.rpartition(b"/")
        return self.made.get(folder, {}).get(name, "")
