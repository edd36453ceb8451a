"""Sound files in blocks, in memory that does not grow with their length.

libsndfile (soundfile) reads wav, flac, ogg, mp3 and the like; FFmpeg's libraries, as PyAV carries
them, read the rest: m4a, aac, wma, the sound tracks of videos. No program is started."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
import soundfile

from multigan.domains.unreadable import Unreadable, unlike
from multigan.errors import reason

_BLOCK = 2**20  # samples of all channels in a block
_STREAMED = 0x7FFF0000  # bytes a WAV promises at least where its writer could not know the length
_FEW = 1024  # bytes a WAV may lack: writers count their own header in
_CHUNKS = 4096  # of a WAV that are looked at for its data
_LACKING = 0.1  # seconds a file may lack of what it promises: mp3 only estimates
_FROM_A_BYTE, _SPARED = 1000, 2**24  # samples of all channels; silence in FLAC takes 1/586 byte
_PATIENCE = 2**28  # bytes read without a sample in them before a file is given up
_FORMATS = "mov,aac,asf,matroska,avi,mp3,ogg,flac,wav,aiff,amr,caf,ac3,eac3,wv,ape,tta,mpeg,mpegts"
_CODECS = (
    "aac,aac_fixed,aac_latm,alac,mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,vorbis,flac,"
    "wmav1,wmav2,wmapro,wmalossless,wmavoice,ac3,eac3,dca,amrnb,amrwb,wavpack,ape,tta,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,"
    "pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,"
    "libopus,libvorbis,libopencore_amrnb,libopencore_amrwb"
)


@dataclass(frozen=True)
class Recording:
    """An opened sound file."""

    rate: int  # Hz
    blocks: Iterator[np.ndarray]  # (frames, channels) float32, at least one
    seconds: float | None = None  # by its header, where that tells

    def __post_init__(self) -> None:
        if self.rate < 1:
            raise Unreadable(f"a rate of {self.rate} Hz")


@contextmanager
def opened(file: BinaryIO) -> Iterator[Recording]:
    """A sound file that can be read and sought; raises `Unreadable`, also while it is read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(512)
    if not head or unlike(head, "") != unlike(b"?", ""):
        raise Unreadable(unlike(head, "a sound"))
    guarded = _Guarded(file, *_mended(file, size))
    file.seek(0)
    try:
        sound = soundfile.SoundFile(guarded)
    except (soundfile.LibsndfileError, TypeError):
        guarded.check()
        file.seek(0)
        with _by_ffmpeg(guarded, size) as recording:
            yield recording
        return
    with sound:
        yield Recording(
            sound.samplerate,
            _no_bomb(_blocks(sound, guarded), size),
            sound.frames / sound.samplerate if 0 < sound.frames < 2**62 else None,
        )


class _Guarded:
    """A file for a library: with other bytes ``instead`` at a place, and with an end to its
    patience.

    libsndfile passes no error on: the first is kept for `check`."""

    def __init__(self, file: BinaryIO, place: int = 0, instead: bytes = b"") -> None:
        self.file, self.place, self.instead, self.error = file, place, instead, ""
        self.seek, self.tell = file.seek, file.tell
        self.in_vain = 0  # bytes read since the last block of samples

    def read(self, size: int = -1) -> bytes:
        try:
            start = self.file.tell() if self.instead else 0
            content = self.file.read(size)
        except Exception as error:  # a damaged zip raises nearly anything
            self.error = self.error or reason(error)
            return b""
        self.in_vain += len(content)
        if self.in_vain > _PATIENCE:
            self.error = self.error or f"no sound in {_PATIENCE >> 20} MiB of it"
            return b""
        for i, byte in enumerate(self.instead):
            at = self.place + i - start
            if 0 <= at < len(content):
                content = content[:at] + bytes([byte]) + content[at + 1 :]
        return content

    def write(self, content: bytes) -> int:
        raise NotImplementedError("sounds are only read")  # soundfile asks whether it could

    def check(self) -> None:
        """Raise `Unreadable` if reading has failed; to be called for every block."""
        if self.error:
            raise Unreadable(self.error)
        self.in_vain = 0


def _blocks(sound: Any, guarded: _Guarded) -> Iterator[np.ndarray]:
    wanted, read, there = max(_BLOCK // sound.channels, 1), 0, True
    while there:
        block = _block(sound, wanted)
        guarded.check()
        read += len(block)
        there = len(block) == wanted
        if len(block):
            yield block
    promised = sound.frames if sound.frames < 2**62 else 0
    if promised - read > _LACKING * sound.samplerate:
        raise Unreadable(f"truncated: {read} of {promised} samples")


def _block(sound: Any, frames: int) -> np.ndarray:
    try:
        block: np.ndarray = sound.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        said = error.error_string.removeprefix("Error : ").rstrip(".")
        raise Unreadable(f"damaged: {said}") from None
    return block


@contextmanager
def _by_ffmpeg(file: _Guarded, size: int) -> Iterator[Recording]:
    """What libsndfile cannot read. Formats and codecs are named, so that no playlist makes FFmpeg
    open another file or an address."""
    import av

    allowed = {"format_whitelist": _FORMATS, "codec_whitelist": _CODECS}
    try:
        with av.open(file, "r", options=allowed, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise Unreadable("it has no sound track")
            stream = container.streams.audio[0]
            blocks = _converted(container.decode(stream), file)
            first = next(blocks, None)
            if first is None:
                raise Unreadable("it holds no samples")
            rate = stream.codec_context.sample_rate
            seconds = container.duration / av.time_base if container.duration else None
            yield Recording(rate, _no_bomb(chain([first], blocks), size), seconds)
    except (av.FFmpegError, ValueError, EOFError) as error:
        file.check()
        said = getattr(error, "strerror", None) or reason(error)
        raise Unreadable(f"not a sound that FFmpeg's libraries can read: {said}") from None


def _converted(frames: Iterator[Any], file: _Guarded) -> Iterator[np.ndarray]:
    """Decoded frames as blocks ``(frames, channels)`` of floats."""
    import av

    planes = av.AudioResampler(format="fltp")
    waiting, length = [], 0
    for frame in chain(frames, [None]):
        file.check()
        waiting += [converted.to_ndarray() for converted in planes.resample(frame)]
        length += waiting[-1].size if waiting else 0
        if waiting and (frame is None or length >= _BLOCK):
            yield np.concatenate(waiting, 1).T
            waiting, length = [], 0


def _no_bomb(blocks: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The blocks, as long as so many samples can have come from a file of ``size`` bytes."""
    length = 0
    for block in blocks:
        length += block.size
        if length > _SPARED + _FROM_A_BYTE * size:
            raise Unreadable(f"more than {length:,} samples from {size:,} bytes: no recording")
        yield block


def _wav_length(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """Of a WAV the place of its data's length and that length; None of another file.

    Raises `Unreadable` where it holds no data."""
    file.seek(0)
    start = file.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"WAVE":
        return None
    position = 12
    for _ in range(_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            raise Unreadable("truncated: it ends before its samples begin")
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            return position + 4, length
        position += 8 + length + length % 2
    raise Unreadable(f"no samples among its first {_CHUNKS:,} chunks")


def _mended(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """A place in a WAV and what should stand there: how long its data are.

    Writers that could not know it (0, 0x7FFFF000, ...) or were a few bytes wrong mean up to the end
    of the file; raises `Unreadable` where more is lacking."""
    found = _wav_length(file, size)
    if found is None:
        return 0, b""
    place, length = found
    there = size - place - 4
    if length - there > _FEW and length < _STREAMED:
        raise Unreadable("truncated: its header promises more than the file holds")
    if 0 < length <= there or (not length and _is_chunk(file.read(8), there)):
        return 0, b""
    return place, struct.pack("<I", min(there, 0xFFFFFFFF))


def _is_chunk(header: bytes, there: int) -> bool:
    """Whether a chunk of a WAV begins here, rather than samples."""
    return header[:4].strip().isalnum() and int.from_bytes(header[4:], "little") + 8 <= there
