"""What is data in a folder, a zip or a file, what is left out, and that both are said."""

import os
import shutil
import socket
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from multigan.domains import walk as walking
from multigan.domains.files import Files, Kind, find_files, given_files, stamp
from multigan.domains.made import mark_made
from multigan.errors import DataError

PICTURES = Kind("pictures", frozenset({".png", ".jpg"}), {".heic": "ask for heic"})
TABLES = Kind("series", frozenset({".csv"}))


def make(root: Path, *names: str | bytes) -> Path:
    """Files below a folder, each holding its own name."""
    for name in names:
        path = Path(os.fsdecode(os.path.join(os.fsencode(root), os.fsencode(name))))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name))
    return root


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), name)
    return path


def found(source: Path, **more: object) -> Files:
    return find_files(source, PICTURES, **more)


def taken(source: Path, **more: object) -> list[str]:
    return list(found(source, **more).names)


def said(source: Path, **more: object) -> str:
    return "\n".join(found(source, **more).notes())


# What is taken, in which order


def test_files_of_a_folder_come_before_those_of_its_subfolders(tmp_path: Path) -> None:
    make(tmp_path, "b/2.png", "a/sub/1.png", "a/0.PNG", "z.jpg", "a b/3.png")
    names = ["z.jpg", "a/0.PNG", "a/sub/1.png", "a b/3.png", "b/2.png"]
    assert taken(tmp_path) == names
    files = found(tmp_path)
    assert [files.names[i] for i in (0, -1)] == ["z.jpg", "b/2.png"]
    assert [files.read(i).decode() for i in range(5)] == names
    assert files.sizes.tolist() == [len(name) for name in names]
    assert files.path(1) == tmp_path / "a" / "0.PNG"


def test_part_of_the_files_still_reads_its_own(tmp_path: Path) -> None:
    make(tmp_path, *(f"{'ab'[i % 2]}/{i}.png" for i in range(9)))
    rows = np.array([7, 2, 5])
    part, whole = found(tmp_path).at(rows), taken(tmp_path)
    assert list(part.names) == [whole[i] for i in rows]
    assert [part.read(i).decode() for i in range(3)] == [whole[i] for i in rows]


def test_names_that_are_no_utf8_are_read(tmp_path: Path) -> None:
    make(tmp_path, b"caf\xe9.png", "naïve.png", "a.png")
    assert taken(tmp_path) == ["a.png", "caf\\xe9.png", "naïve.png"]
    assert found(tmp_path).read(1) == b"caf\xe9.png"


def test_classes_written_on_a_mac_and_elsewhere_are_the_same(tmp_path: Path) -> None:
    decomposed, composed = (unicodedata.normalize(form, "Bären") for form in ("NFD", "NFC"))
    make(tmp_path / "data", f"{composed}/1.png", "cats/2.png")
    make(tmp_path / "data", f"{decomposed}/3.png")
    zipped(tmp_path / "mac.zip", f"{decomposed}/1.png", f"{composed}/3.png", "cats/2.png")
    for name in ("data", "mac.zip"):
        files = found(tmp_path / name)
        assert files.classes == (composed, "cats")
        assert files.labels.tolist() == [0, 0, 1]
        assert [bytes(files.read(i)).decode()[-5] for i in range(3)] in (list("132"), list("312"))


@pytest.mark.parametrize("hide", [".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir", "sub/.x"])
@pytest.mark.parametrize("packed", [False, True])
def test_hidden_parts_are_left_out(tmp_path: Path, hide: str, packed: bool) -> None:
    names = ["cats/1.png", "dogs/2.png", f"{hide}/3.png", "cats/.4.png"]
    root = zipped(tmp_path / "a.zip", *names) if packed else make(tmp_path / "a", *names)
    assert taken(root) == ["cats/1.png", "dogs/2.png"]
    assert found(root).classes == ("cats", "dogs")
    assert "(hidden)" in said(root)


def test_what_is_left_out_is_counted_and_advised(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "2.jpg", "a.pdf", "LICENSE", *(f"{i}.HEIC" for i in range(30)))
    line = "2 pictures; left out: 30 .heic (ask for heic), 1 .pdf, 1 without an ending"
    assert said(tmp_path) == line
    zipped(tmp_path / "a.zip", "1.png", "2.jpg", "a.pdf", "b/", "c.heic")
    assert said(tmp_path / "a.zip") == "2 pictures; left out: 1 .heic (ask for heic), 1 .pdf"


def test_names_cannot_write_to_a_terminal(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "a.\x1b[31mred", ".\x1b[2J.png")
    assert "\x1b" not in said(tmp_path)
    assert "x1b[31mred" in said(tmp_path)


def test_nothing_of_a_kind_is_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    make(tmp_path / "a", "1.heic")
    with pytest.raises(DataError, match=r"a holds no pictures.*1 \.heic \(ask for heic\)"):
        found(tmp_path / "a")
    with pytest.raises(DataError, match="no such file or folder"):
        found(tmp_path / "b")


def test_one_file_itself(tmp_path: Path) -> None:
    make(tmp_path, "1.png")
    files = found(tmp_path / "1.png", single=True)
    assert (list(files.names), files.read(0)) == (["1.png"], b"1.png")
    with pytest.raises(DataError, match=r"neither a folder nor a \.zip"):
        found(tmp_path / "1.png")


# What would hang, or never end


def test_pipes_sockets_and_links_to_nothing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "1.png")
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
        (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
        (tmp_path / "device.png").symlink_to("/dev/null")
        (tmp_path / "itself.png").symlink_to("itself.png")
        assert taken(tmp_path) == ["1.png"]
        for name in (
            "pipe.png (a pipe)",
            "socket.png (a socket)",
            "gone.png, itself.png (a link to nothing)",
        ):
            assert name in said(tmp_path)
        assert "device.png (a device)" in said(tmp_path)


def test_a_folder_is_taken_once_and_where_it_lies(tmp_path: Path) -> None:
    make(tmp_path / "data", "b/2.png", "b/c/3.png")
    make(tmp_path / "elsewhere", "1.png", "sub/4.png")
    for name, target in {
        "a": "data/b",
        "b/loop": "data",
        "dot": "data",
        "up": ".",
        "far": "elsewhere",
        "far2": "elsewhere/sub",
    }.items():
        (tmp_path / "data" / name).symlink_to(tmp_path / target)
    assert taken(tmp_path / "data") == ["b/2.png", "b/c/3.png", "far/1.png", "far/sub/4.png"]
    assert "a link to a folder that is taken already" in said(tmp_path / "data")


def test_a_linked_file_is_taken_once_and_where_it_lies(tmp_path: Path) -> None:
    make(tmp_path / "data", "b/1.png", ".store/3.png")
    make(tmp_path, "elsewhere.png")
    (tmp_path / "data" / "a").mkdir()
    for name, target in {
        "a/1.png": "data/b/1.png",
        "a/2.png": "elsewhere.png",
        "b/2.png": "elsewhere.png",
        "b/3.png": "data/.store/3.png",  # what hides is not taken where it lies
    }.items():
        (tmp_path / "data" / name).symlink_to(tmp_path / target)
    assert taken(tmp_path / "data") == ["a/2.png", "b/1.png", "b/3.png"]
    assert "a/1.png, b/2.png (a link to a file that is taken already)" in said(tmp_path / "data")
    assert found(tmp_path / "data", labelled=True).labels.tolist() == [0, 1, 1]


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "1.png", "locked/2.png")
    scandir = os.scandir

    def refuse(path: bytes) -> object:
        if path.endswith(b"locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert taken(tmp_path) == ["1.png"]
    assert "locked/ (Permission denied)" in said(tmp_path)


@pytest.mark.parametrize("beside", ["x.txt", ".hidden.png", "metadata.csv", "é.png", "X.PNG", "x"])
def test_many_names_are_looked_at_as_few_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    make(tmp_path, *(f"{i:03d}.png" for i in range(80)), beside)
    many = found(tmp_path, labelled=True)
    monkeypatch.setattr(walking, "_MANY", 10**9)
    few = found(tmp_path, labelled=True)
    assert list(many.names) == list(few.names)
    assert many.notes() == few.notes()
    assert many.listing.tables == few.listing.tables
    assert many.signature == few.signature
    assert len(many) == 80 + (beside in ("é.png", "X.PNG"))


# What multigan itself has written


def test_runs_and_models_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "runs/x/recipe.toml", "runs/x/metrics.jsonl", "runs/x/samples/9.png")
    make(tmp_path, "kept/model.safetensors", "kept/config.json", "kept/8.png")
    assert taken(tmp_path) == ["1.png"]
    assert "runs/x (a run of multigan)" in said(tmp_path)
    assert "kept (a model)" in said(tmp_path)


def test_training_in_the_folder_of_the_data_itself(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "cats/2.png")
    before = found(tmp_path).signature
    make(tmp_path, "recipe.toml", "environment.json", "samples/0.png", "nearest.png", "best/3.png")
    assert taken(tmp_path) == ["1.png", "cats/2.png"]
    assert found(tmp_path).signature == before
    assert "samples" in said(tmp_path)


def test_made_samples_and_their_sheet_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "000000.png", "sheet.png", "new/000000.png")
    mark_made(tmp_path, ["000000.png"], "sample")
    mark_made(tmp_path, ["sheet.png"], "sheet")
    mark_made(tmp_path / "new", ["000000.png"], "sample")
    assert taken(tmp_path) == ["1.png"]
    assert "000000.png, sheet.png, new/000000.png (made by multigan)" in said(tmp_path)


def test_made_samples_that_are_asked_for_themselves_are_data(tmp_path: Path) -> None:
    make(tmp_path, "000000.png", "000001.png", "sheet.png")
    mark_made(tmp_path, ["000000.png", "000001.png"], "sample")
    mark_made(tmp_path, ["sheet.png"], "sheet")
    assert taken(tmp_path) == ["000000.png", "000001.png"]


# Labels and splits


def test_subfolders_are_labels(tmp_path: Path) -> None:
    make(tmp_path, "all/dogs/1.png", "all/cats/2.png", "all/cats/old/3.png")
    files = found(tmp_path)
    assert (files.classes, files.labels.tolist()) == (("cats", "dogs"), [0, 0, 1])


def test_stray_files_are_data_without_labels_and_named_with_them(tmp_path: Path) -> None:
    make(tmp_path, "cover.png", "cats/1.png", "dogs/2.png")
    assert found(tmp_path).labels is None
    assert len(found(tmp_path)) == 3
    files = found(tmp_path, labelled=True)
    assert (files.classes, files.labels.tolist()) == (("cats", "dogs"), [0, 1])
    assert files.notes() == ["2 pictures; left out: cover.png (no class)"]


@pytest.mark.parametrize("names", [["a/1.png", "2.png", "3.png"], ["1.png", "2.png"]])
def test_mostly_stray_files_are_no_labelled_data(tmp_path: Path, names: list[str]) -> None:
    assert found(make(tmp_path, *names), labelled=True).labels is None


@pytest.mark.parametrize("top", ["", "photos/"])
@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "val")])
@pytest.mark.parametrize("packed", [False, True])
def test_train_and_test_are_the_split(
    tmp_path: Path, top: str, train: str, test: str, packed: bool
) -> None:
    names = [f"{top}{train}/cats/1.png", f"{top}{train}/dogs/2.png", f"{top}{test}/cats/3.png"]
    root = zipped(tmp_path / "a.zip", *names) if packed else make(tmp_path / "a", *names)
    files = found(root, split="train")
    assert (list(files.names), files.classes) == (names[:2], ("cats", "dogs"))
    assert (taken(root, split="test"), taken(root)) == (names[2:], sorted(names))
    assert found(root, split="test").classes == ("cats",)
    assert "data.held_out is not used" in said(root, split="train", held_out=0.5)


def test_what_is_kept_apart_is_said_where_it_is_missing(tmp_path: Path) -> None:
    root = make(tmp_path, *(f"{i}.png" for i in range(20)))
    apart = len(found(root, split="test", held_out=0.25))
    assert 0 < apart < 20
    line = f"{apart} pictures are kept apart (data.held_out)"
    assert line in said(root, split="train", held_out=0.25)
    assert "kept apart" not in said(root, split="test", held_out=0.25) + said(root)


def test_what_is_in_neither_split_is_said(tmp_path: Path) -> None:
    make(tmp_path, "train/1.png", "test/2.png", "val/3.png", "cover.png")
    assert taken(tmp_path, split="train") == ["train/1.png"]
    assert "2 pictures in neither train nor test" in said(tmp_path, split="train")


@pytest.mark.parametrize("names", [["train/1.png", "test/2.png", "trucks/3.png"], ["test/1.png"]])
def test_other_folders_called_train_or_test_are_classes(tmp_path: Path, names: list[str]) -> None:
    assert taken(make(tmp_path, *names), split="train") == sorted(names)


def test_a_class_that_the_split_leaves_empty_is_no_class(tmp_path: Path) -> None:
    make(tmp_path, "train/cats/1.png", "train/dogs/2.png", "test/owls/3.png")
    files = found(tmp_path, split="train", labelled=True)
    assert files.classes == ("cats", "dogs")
    assert "owls is no class" in "\n".join(files.notes())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("head", ["file_name,label", "\ufeffFile_Name,Class", "x,label,image"])
def test_a_table_beside_the_files_gives_labels(tmp_path: Path, packed: bool, head: str) -> None:
    rows = {"1.png": "dogs", "sub/2.png": "cats", "gone.png": "cats"}
    lines = [f"0,{v},{k}" if head.startswith("x") else f"{k},{v}" for k, v in rows.items()]
    root = make(tmp_path / "data", "1.png", "3.png", "sub/2.png")
    (root / "labels.csv").write_text("\n".join([head, *lines]), "utf-8")
    if packed:
        root = Path(shutil.make_archive(str(tmp_path / "data"), "zip", root))
    files = found(root, labelled=True)
    assert list(files.names) == ["1.png", "sub/2.png"]
    assert (files.classes, files.labels.tolist()) == (("cats", "dogs"), [1, 0])
    text = "\n".join(files.notes())
    assert "labels from labels.csv" in text
    assert "3.png (no class)" in text
    assert "named in labels.csv, but not there: 1, such as gone.png" in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "filename;label\r\n1.png;dögs\r\nsub/2.png;cats\r\n".encode("cp1252")),
        ("metadata.csv", "file_name,label\n1.png,dögs\nsub/2.png,cats\n".encode("utf-16")),
        ("train.csv", "id,breed,label\n1,a,dögs\n2,a,cats\n".encode()),
        ("Labels.CSV", "path\tlabel\n/kaggle/in/1.png\tdögs\nC:\\in\\2.png\tcats\n".encode()),
        (
            "metadata.jsonl",
            b'{"file_name": "1.png", "label": "d\xc3\xb6gs"}\n'
            b'{"file_name": "sub/2.png", "label": "cats"}\n',
        ),
    ],
    ids=["German Excel", "UTF-16", "ids", "paths from elsewhere", "JSONL"],
)
def test_tables_of_labels_are_read_as_people_have_them(
    tmp_path: Path, name: str, content: bytes
) -> None:
    make(tmp_path, "1.png", "sub/2.png")
    (tmp_path / name).write_bytes(content)
    files = found(tmp_path, labelled=True)
    assert (files.classes, files.labels.tolist()) == (("cats", "dögs"), [1, 0])
    assert "not there" not in "\n".join(files.notes())


def test_a_name_alone_says_nothing_where_two_files_have_it(tmp_path: Path) -> None:
    make(tmp_path, "a/1.png", "b/1.png", "a/2.png", "b/3.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,x\n2.png,x\n3.png,y\n")
    files = found(tmp_path, labelled=True)
    assert list(files.names) == ["a/2.png", "b/3.png"]
    assert files.classes == ("x", "y")
    assert "a/1.png, b/1.png (no class)" in "\n".join(files.notes())


def test_a_table_counts_from_its_own_folder_and_only_where_labels_are_asked_for(
    tmp_path: Path,
) -> None:
    make(tmp_path, "train/a.png", "train/b.png", "test/c.png")
    (tmp_path / "train" / "metadata.csv").write_text("file_name,label\na.png,x\nb.png,y\n")
    files = found(tmp_path, split="train", labelled=True)
    assert (files.classes, files.labels.tolist()) == (("x", "y"), [0, 1])
    assert found(tmp_path, split="train").labels is None


def test_a_table_of_something_else_is_said(tmp_path: Path) -> None:
    make(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "metadata.csv").write_text("key,value\n1,2\n")
    files = found(tmp_path, labelled=True)
    assert files.classes == ("a", "b")
    assert "metadata.csv is not used" in "\n".join(files.notes())


def test_a_table_is_data_where_tables_are(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file_name,label\n1.png,cats\n")
    assert list(find_files(tmp_path, TABLES, labelled=True).names) == ["labels.csv"]


# The signature


def test_the_signature_follows_names_sizes_times_and_labels(tmp_path: Path) -> None:
    make(tmp_path, "a/1.png", "b/2.png")
    seen = [found(tmp_path).signature]
    assert found(tmp_path).signature == seen[0]
    os.utime(tmp_path / "a" / "1.png", ns=(1, 1))
    seen.append(found(tmp_path).signature)
    (tmp_path / "a" / "1.png").write_text("longer than before")
    os.utime(tmp_path / "a" / "1.png", ns=(1, 1))
    seen.append(found(tmp_path).signature)
    (tmp_path / "a" / "1.png").rename(tmp_path / "b" / "1.png")
    seen.append(found(tmp_path).signature)
    make(tmp_path, "c/3.png")
    seen += [found(tmp_path, split=s, held_out=0.4).signature for s in (None, "train", "test")]
    assert len(set(seen)) == len(seen)
    make(tmp_path, "notes.txt", ".hidden/4.png")
    assert found(tmp_path).signature == seen[4]


# What the other kinds of data still use


def test_given_files_are_those_of_the_walker(tmp_path: Path) -> None:
    make(tmp_path, "b/2.png", "a.png", ".git/3.png", b"caf\xe9.png")
    (tmp_path / "c").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    found = given_files(str(tmp_path), [".png"], "pictures", "a hint")
    assert [os.fsencode(path.relative_to(tmp_path)) for path in found] == [
        b"a.png",
        b"b/2.png",
        b"caf\xe9.png",
    ]
    assert given_files(str(tmp_path / "a.png"), [".txt"], "text", "") == [tmp_path / "a.png"]
    with pytest.raises(DataError, match="a hint"):
        given_files(str(tmp_path / "gone"), [".txt"], "text", "a hint")


def test_a_stamp_changes_with_its_files(tmp_path: Path) -> None:
    path, gone = tmp_path / "a", tmp_path / "gone"
    path.write_text("1")
    first = stamp(path, gone)
    assert stamp(path, gone) == first
    os.utime(path, ns=(1, 1))
    second = stamp(path, gone)
    assert second != first
    path.write_text("22")
    os.utime(path, ns=(1, 1))
    assert stamp(path, gone) not in (first, second)
    gone.touch()
    assert "gone\tgone" in second
    assert "gone\tgone" not in stamp(path, gone)
