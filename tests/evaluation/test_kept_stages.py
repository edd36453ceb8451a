"""What a run was before its game is found by the stages that its recipe has."""

from pathlib import Path

from multigan.evaluation.stages import kept_stages
from multigan.recipe import load_recipe


def test_stages_are_those_of_the_recipe_that_were_kept(tmp_path: Path) -> None:
    repair, captions = load_recipe("image/repair"), load_recipe("text/captions")
    assert kept_stages(tmp_path, repair) == {}
    for name in ("reconstruction", "likelihood", "best"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    assert kept_stages(tmp_path, repair) == {"reconstruction": tmp_path / "reconstruction"}
    assert kept_stages(tmp_path, captions) == {"likelihood": tmp_path / "likelihood"}
    assert kept_stages(tmp_path, load_recipe("image/digits")) == {}
    assert kept_stages("me/a-model-of-the-hub", repair) == {}
