"""The synthetic oracle: its likelihood is that of what it draws, and it is data like any other."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from multigan.domains.text.corpus import open_corpus
from multigan.domains.text.oracle import _NAMES, Oracle
from multigan.domains.text.settings import TextData
from multigan.domains.text.tokeniser import END, UNKNOWN
from multigan.errors import DataError

V = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng, gates = np.random.default_rng(0), ("i", "f", "og", "c")
    arrays = {f"{kind}{gate}": rng.normal(size=(4, 4)) for gate in gates for kind in "wu"}
    arrays |= {f"b{gate}": rng.normal(size=4) for gate in gates}
    np.savez(
        tmp_path / "o.npz",
        embedding=rng.normal(size=(V, 4)),
        wo=2 * rng.normal(size=(4, V)),
        bo=np.ones(V),
        **arrays,
    )
    return tmp_path / "o.npz"


def test_it_is_pytorchs_lstm_cell(path: Path) -> None:
    oracle = Oracle.load(path)
    w, cell = oracle.weights, torch.nn.LSTMCell(4, 4)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([w["wi"], w["wf"], w["wc"], w["wog"]], 1).T)
        cell.weight_hh.copy_(torch.cat([w["ui"], w["uf"], w["uc"], w["uog"]], 1).T)
        cell.bias_ih.copy_(torch.cat([w["bi"], w["bf"], w["bc"], w["bog"]]))
        cell.bias_hh.zero_()
    token, state = oracle._begin(3)
    for _ in range(3):
        log_p, after = oracle.step(token, state)
        h, c = cell(w["embedding"][token], state)
        torch.testing.assert_close(log_p, (h @ w["wo"] + w["bo"]).log_softmax(-1))
        torch.testing.assert_close(after, (h, c))
        token, state = torch.tensor([1, 4, 2]), after


def test_its_nll_of_its_own_samples_is_their_frequency(path: Path) -> None:
    oracle = Oracle.load(path)
    ids = oracle.sample(20_000, 2, seed=7)
    assert torch.equal(ids[:500], oracle.sample(500, 2, seed=7))
    counts = torch.bincount(ids[:, 0] * V + ids[:, 1], minlength=V * V) / len(ids)
    every = torch.cartesian_prod(torch.arange(V), torch.arange(V))
    probability = (-oracle.nll(every).sum(1)).exp()
    assert probability.sum().item() == pytest.approx(1, abs=1e-4)
    assert (counts - probability).abs().max() < 0.01


def test_its_corpus_has_no_ends_and_separate_draws(path: Path) -> None:
    corpus = open_corpus(TextData(source=str(path), length=5, count=50, held_out=0.2))
    assert corpus.train.samples.shape == (50, 5)
    assert corpus.held_out.samples.shape == (10, 5)
    assert int(corpus.train.samples.min()) >= 2
    assert corpus.never == (END, UNKNOWN)
    assert len(corpus.tokeniser) == V + 2
    numbers = [" ".join(str(i - 2) for i in row) for row in corpus.train.samples.tolist()]
    assert corpus.tokeniser.decode(corpus.train.samples.tolist()) == numbers


def test_what_is_no_oracle_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data PATH"):
        Oracle.load(tmp_path / "none.npz")
    np.savez(tmp_path / "x.npz", a=np.zeros(2))
    with pytest.raises(DataError, match="it needs the arrays embedding"):
        Oracle.load(tmp_path / "x.npz")


def test_arrays_that_do_not_fit_together_are_refused(path: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(path))
    wrong = {"uf": arrays["uf"][:-1], "bo": arrays["bo"] * np.nan, "embedding": arrays["bi"]}
    for name, array in wrong.items():
        np.savez(tmp_path / "wrong.npz", **arrays | {name: array})
        with pytest.raises(DataError, match="is no oracle"):
            Oracle.load(tmp_path / "wrong.npz")


@pytest.mark.parametrize("shape", ["(1000000000000000, 8)", "(100000, 100000)", "(-4, 8)", "()"])
def test_headers_that_lie_take_no_memory(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(64)
    with zipfile.ZipFile(tmp_path / "lying.npz", "w") as file:
        for name in _NAMES:
            file.writestr(f"{name}.npy", content)
    with pytest.raises(DataError, match="is no oracle"):
        Oracle.load(tmp_path / "lying.npz")


@pytest.mark.parametrize("content", [b"PK\3\4" + bytes(1000), b"", bytes(1000)])
def test_what_is_no_archive_is_no_oracle(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.npz").write_bytes(content)
    with pytest.raises(DataError, match="is no oracle"):
        Oracle.load(tmp_path / "no.npz")
