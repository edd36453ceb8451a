"""DICOM: values as they are meant, and what a stranger's file cannot do."""

import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from multigan.domains.cache import Opened, opened
from multigan.domains.image import dicom
from multigan.domains.image.decode import PictureDecoder, kept_values
from multigan.domains.image.opening import open_picture
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source
from multigan.domains.unreadable import Unreadable

pydicom = pytest.importorskip("pydicom")
EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
RAMP = (np.arange(256) * 16).astype(np.uint16).reshape(16, 16)


def file(values: np.ndarray = RAMP, syntax: str = EXPLICIT, **more: Any) -> bytes:
    """A DICOM file of a picture; what is None is left out."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = EXPLICIT
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4", "1.2.3"
    found = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    bits = 8 * values.dtype.itemsize
    about = {
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "SamplesPerPixel": 3 if values.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if values.ndim == 3 else "MONOCHROME2",
        "PlanarConfiguration": 0 if values.ndim == 3 else None,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
        "PixelData": values.tobytes(),
    }
    for name, value in (about | more).items():
        if value is not None:
            setattr(found, name, value)
    written = io.BytesIO()
    found.save_as(written)
    return written.getvalue().replace(EXPLICIT.encode(), syntax.encode().ljust(len(EXPLICIT)), 1)


def values_of(content: bytes) -> np.ndarray:
    return np.asarray(open_picture(io.BytesIO(content), b"a.dcm"))


def test_values_are_those_that_are_meant() -> None:
    assert np.array_equal(values_of(file()), RAMP)
    hounsfield = values_of(file(RescaleSlope="1", RescaleIntercept="-1024"))
    assert np.array_equal(hounsfield, RAMP.astype(int) - 1024)
    doses = values_of(file(RescaleSlope="0.5", RescaleIntercept="0.25"))
    assert np.allclose(doses, RAMP * 0.5 + 0.25)
    signed = RAMP.astype(np.int16) - 2000
    assert np.array_equal(values_of(file(signed)), signed)
    turned = values_of(file(BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(turned, 4095 - RAMP)
    colours = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    assert np.array_equal(values_of(file(colours)), colours)


def test_a_folder_of_them_is_learnt_in_16_bits(tmp_path: Path) -> None:
    for i in range(3):
        rescaled = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
        (tmp_path / f"{i}.dcm").write_bytes(file(np.roll(RAMP, i), **rescaled))
    frames = np.stack([RAMP, RAMP])
    several = {"Rows": 16, "Columns": 16, "SamplesPerPixel": 1, "NumberOfFrames": 2}
    grey = {"PhotometricInterpretation": "MONOCHROME2", "PlanarConfiguration": None}
    (tmp_path / "3.dcm").write_bytes(file(frames, **several, **grey))
    found = decoded(tmp_path)
    assert len(found.stored) == 4
    assert tuple(kept_values(found.folder)) == ((-1024, 4080), 16, False)
    assert "1 pictures move: the first of each is taken" in found.stored.notes


def decoded(folder: Path) -> Opened:
    data = ImageData(source=str(folder), size=16, channels=1)
    return opened(PictureDecoder(open_source(data.source, "train"), data), 1.0)


def deflated() -> bytes:
    """A file that unpacks to a hundred megabytes."""
    head = file(syntax=DEFLATED)[:400]
    packer = zlib.compressobj(9, wbits=-15)
    return head + b"".join(packer.compress(bytes(2**24)) for _ in range(6)) + packer.flush()


def nested() -> bytes:
    """Sequences inside each other, deeper than anybody goes."""
    start = file(PixelData=None)
    return start + struct.pack("<HH2s2xI", 0x40, 0x100, b"SQ", 2**32 - 1) * 50_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: b"", "the file is empty"),
        (lambda: b"\x89PNG" + bytes(200), "not a DICOM picture"),
        (deflated, "only uncompressed DICOM is read"),
        (lambda: file(syntax="1.2.840.10008.1.2.4"), "are compressed"),
        (lambda: file()[:140], "does not say how it is written"),
        (lambda: file()[:-100], "pixels"),
        (lambda: file(PixelData=None), "without PixelData"),
        (lambda: file(Rows=65_535, Columns=65_535), "65,535 × 65,535 pixels"),
        (lambda: file(Rows=0), "16 × 0 pixels"),
        (lambda: file(Rows=4000, Columns=4000), "it ends before its pixels do"),
        (lambda: file(PhotometricInterpretation="PALETTE COLOR"), "only grey and RGB"),
        (lambda: file(BitsAllocated=1), "1 bits of MONOCHROME2"),
        (lambda: file(RescaleSlope="1e300", RescaleIntercept="1e308"), "not finite"),
        (nested, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.strip("<>"),
)
def test_hostile_files_are_left_out_and_named(tmp_path: Path, content: Any, said: str) -> None:
    (tmp_path / "good.dcm").write_bytes(file())
    (tmp_path / "bad.dcm").write_bytes(content())
    tracemalloc.start()
    found = decoded(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.stored) == 1
    (note,) = [note for note in found.stored.notes if note.startswith("Skipped 1 of 2")]
    assert "bad.dcm (" in note
    assert said in note
    assert peak < 60_000_000


def test_a_large_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom, "_MOST_BYTES", 500)
    with pytest.raises(Unreadable, match="more than a picture has"):
        values_of(file())
