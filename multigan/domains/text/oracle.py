"""SeqGAN's synthetic oracle (Yu et al. 2017): a fixed random LSTM whose likelihood of any sequence
is known."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.domains.text.relaxation import categorical
from multigan.errors import DataError, reason

_NAMES = (
    "embedding",
    "wi",
    "ui",
    "bi",
    "wf",
    "uf",
    "bf",
    "wog",
    "uog",
    "bog",
    "wc",
    "uc",
    "bc",
    "wo",
    "bo",
)
_CHUNK = 1000
_MOST = 2**28  # bytes of all arrays
State = tuple[Tensor, Tensor]


def _arrays(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as arrays:
        size = sum(member.file_size for member in arrays.zip.infolist())
        if size > _MOST:
            raise ValueError(f"they would take {size:,} bytes")
        return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in _NAMES}


def is_oracle(path: Path) -> bool:
    """Whether a source is to be read as an oracle: an .npz, unless it holds an array of text."""
    if path.suffix != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _NAMES[0] + ".npy" in archive.namelist() or not _has_text(archive)
    except Exception:  # a damaged zip raises nearly anything: it is told when it is read
        return True


def _has_text(archive: zipfile.ZipFile) -> bool:
    for name in archive.namelist():
        with archive.open(name) as file:
            version = np.lib.format.read_magic(file)
            form = np.lib.format
            read = form.read_array_header_1_0 if version[0] == 1 else form.read_array_header_2_0
            if read(file)[2].kind in "US":
                return True
    return False


@dataclass(frozen=True)
class Oracle:
    """An LSTM over tokens 0 to V - 1 that starts from token 0 with no memory."""

    weights: dict[str, Tensor]

    @classmethod
    def load(cls, path: Path) -> "Oracle":
        """Read the arrays of an .npz file; raises `DataError`."""
        if not path.is_file():
            raise DataError(
                f"data.source = '{path}': no such file; give an oracle's .npz with --data PATH"
            )
        try:
            oracle = cls(_arrays(path))
            oracle.check()
        except Exception as error:  # a damaged zip raises nearly anything
            raise DataError(
                f"{path} is no oracle: it needs the arrays {', '.join(_NAMES)} ({reason(error)})"
            ) from None
        return oracle

    def check(self) -> None:
        """Raise `ValueError` if the arrays do not fit together, or hold what is no number."""
        vocabulary, width = self.weights["embedding"].shape
        units = self.weights["ui"].shape[0]
        of = {"w": (width, units), "u": (units, units), "b": (units,)}
        ends = {"embedding": (vocabulary, width), "wo": (units, vocabulary), "bo": (vocabulary,)}
        for name, array in self.weights.items():
            wanted = ends.get(name) or of[name[0]]
            if array.shape != wanted:
                raise ValueError(f"{name} is {tuple(array.shape)} instead of {wanted}")
            if not array.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinite numbers")

    @property
    def vocabulary(self) -> int:
        """V."""
        return len(self.weights["embedding"])

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities ``(N, V)`` of what follows tokens ``(N,)``, and the next state."""
        w, (h, c) = self.weights, state
        x = w["embedding"][token]
        i, f, o = (
            torch.sigmoid(x @ w[f"w{g}"] + h @ w[f"u{g}"] + w[f"b{g}"]) for g in ("i", "f", "og")
        )
        c = f * c + i * torch.tanh(x @ w["wc"] + h @ w["uc"] + w["bc"])
        h = o * torch.tanh(c)
        return (h @ w["wo"] + w["bo"]).log_softmax(-1), (h, c)

    def _begin(self, count: int) -> tuple[Tensor, State]:
        zeros = torch.zeros(count, self.weights["ui"].shape[0])
        return torch.zeros(count, dtype=torch.int64), (zeros, zeros)

    @torch.no_grad()
    def sample(self, count: int, length: int, seed: int) -> Tensor:
        """``count`` sequences ``(count, length)`` of tokens."""
        pieces = []
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            uniform = torch.rand(_CHUNK, length, generator=stream("cpu", "oracle", seed, start))[
                :size
            ]
            token, state = self._begin(size)
            found = []
            for u in uniform.unbind(1):
                log_p, state = self.step(token, state)
                token = categorical(log_p.exp(), u)
                found.append(token)
            pieces.append(torch.stack(found, 1))
        return torch.cat(pieces) if pieces else torch.zeros(0, length, dtype=torch.int64)

    @torch.no_grad()
    def nll(self, ids: Tensor) -> Tensor:
        """-log p of every token of sequences ``(N, T)``, in nats, ``(N, T)``."""
        pieces = []
        for rows in ids.split(_CHUNK):
            token, state = self._begin(len(rows))
            found = []
            for following in rows.unbind(1):
                log_p, state = self.step(token, state)
                found.append(-log_p.gather(1, following[:, None])[:, 0])
                token = following
            pieces.append(torch.stack(found, 1))
        return torch.cat(pieces)
