"""The page that asks a model for samples: what it offers follows from the model and its domain."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import multigan
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.base import Domain
from multigan.domains.text.domain import TextDomain
from multigan.errors import UserError
from multigan.resources import how_to_add
from multigan.verbs import demo


@pytest.fixture(scope="module")
def model(labelled_run: Path) -> multigan.Model:
    """Pictures of the classes dark and light."""
    return multigan.load(labelled_run)


def offered(
    kind: type[Domain], condition_shape: Any = None, pitch: str = ""
) -> dict[str, demo.Control]:
    """What a model of a kind of data without classes is asked for, by name."""
    domain = kind.__new__(kind)
    domain.recipe = SimpleNamespace(data=SimpleNamespace(pitch=pitch))
    domain.condition_shape, domain.presenter = condition_shape, SimpleNamespace(shown=36)
    model: Any = SimpleNamespace(domain=domain, classes=())
    return {control.name: control for control in demo.controls(model)}


def asked(**more: Any) -> dict[str, Any]:
    return {"n": 3, "seed": 0, "to_seed": "", "label": 0, "truncation": 1.0} | more


def names(html: str) -> list[str]:
    return re.findall(r'<span class="name">(.*?)</span>', html)


def test_labels_are_a_choice(model: multigan.Model) -> None:
    found = {control.name: control for control in demo.controls(model)}
    assert list(found) == ["n", "seed", "to_seed", "label", "truncation"]
    assert found["label"].choices == [demo.IN_TURN, "dark", "light"]


def test_options_are_the_domains() -> None:
    sentences = offered(TextDomain)
    assert list(sentences) == ["n", "seed", "to_seed", "temperature", "prefix"]
    assert (sentences["temperature"].kind, sentences["temperature"].ends) == ("range", (0.4, 1.2))
    # A vocoder is a folder of ours, and how files are written has no say on a page.
    assert list(offered(AudioDomain)) == ["n", "seed", "to_seed"]
    assert list(offered(AudioDomain, pitch="name")) == ["n", "seed", "to_seed", "pitch"]


def test_what_samples_are_made_of_is_a_file() -> None:
    assert offered(AudioDomain, (1, 80, 30))["condition"].kind == "file"
    with pytest.raises(UserError, match="from no file"):
        offered(TextDomain, (3,))


def test_what_was_chosen_is_made(model: multigan.Model) -> None:
    assert names(demo.made(model, asked())) == ["dark", "light", "dark"]
    assert names(demo.made(model, asked(label=2))) == ["light"] * 3
    assert demo.made(model, asked(seed=1)) != demo.made(model, asked())
    way = demo.made(model, asked(label=2, to_seed="5", n=4))
    assert names(way) == ["light"] * 4
    ends = [demo.made(model, asked(label=2, seed=seed, n=1)) for seed in (0, 5)]
    pictures = re.findall(r'src="([^"]+)"', way)
    assert demo.made(model, asked(label=2, to_seed="5", n=4, truncation=0.5)) != way
    assert [pictures[0], pictures[-1]] == [re.findall(r'src="([^"]+)"', e)[0] for e in ends]


def test_a_seed_that_is_none_is_told(model: multigan.Model) -> None:
    with pytest.raises(UserError, match="to seed = soon"):
        demo.made(model, asked(to_seed="soon"))


def test_without_gradio_it_says_what_to_install(
    labelled_run: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    done = command("demo", labelled_run)
    assert done.status == 2
    assert how_to_add("demo") in done.err


def test_it_is_shown_to_this_machine_alone(
    labelled_run: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: dict[str, Any] = {}
    page = SimpleNamespace(launch=launched.update)
    monkeypatch.setattr(demo, "page", lambda model: page)
    assert command("demo", labelled_run, "--port", 7999).status == 0
    assert (launched["server_name"], launched["server_port"]) == ("127.0.0.1", 7999)
    assert launched["share"] is False


def test_the_page_answers(model: multigan.Model, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from gradio_client import Client

    blocks = demo.page(model)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, share=False
    )
    try:
        client = Client(url, verbose=False, download_files=tmp_path)
        assert names(client.predict(2, 0, "", 0, 1, api_name="/generate")) == ["dark", "light"]
        with pytest.raises(Exception, match="to seed = soon"):
            client.predict(2, 0, "soon", 0, 1, api_name="/generate")
    finally:
        blocks.close()
