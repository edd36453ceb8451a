"""A model on the Hugging Face hub: what goes up is a model folder, as anybody else's it comes
down."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from multigan.errors import UserError, reason

SHEET = "sheet.png"


class OnHub(ABC):
    """``save_pretrained`` and ``push_to_hub``, by the hub's own mixin."""

    @abstractmethod
    def save(self, folder: Path | str) -> Path:
        """Write the model folder."""

    def __repr__(self) -> str:
        """What it makes, how long it was trained, and its size."""
        model: Any = self
        count = sum(p.numel() for p in model.generator.parameters())
        classes = f", {len(model.classes)} classes" if model.classes else ""
        title = model.recipe.title or model.recipe.domain
        return f"Model({title}: {model.clock:,} samples seen, {count:,} parameters{classes})"

    def save_pretrained(self, save_directory: Path | str, **options: Any) -> str | None:
        """Write the model folder, by the options of ``huggingface_hub.ModelHubMixin``."""
        saved: str | None = _mixed(self.save).save_pretrained(save_directory, **options)
        return saved

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Put the model folder on the hub, by the same; returns where it is."""
        return str(_mixed(self.save).push_to_hub(repo_id, **options))


def _mixed(save: Callable[[Path], object]) -> Any:
    """The mixin around a function that writes a folder. Imported where it is asked for: with it
    comes all of the hub's transport, a fifth of what a training takes to begin."""
    from huggingface_hub import ModelHubMixin

    class Folder(ModelHubMixin, library_name="multigan"):  # type: ignore[call-arg]
        def _save_pretrained(self, save_directory: Path) -> None:
            save(save_directory)

    return Folder()


def upload(folder: Path, repo: str, private: bool, revision: str | None) -> str:
    """Put a folder into a model repository of the hub, made where there is none; returns where it
    is.

    Raises `UserError` with the hub's reason."""
    from huggingface_hub import HfApi

    api = HfApi(library_name="multigan")
    try:
        made = api.create_repo(repo, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(made.repo_id, branch=revision, exist_ok=True)
        api.upload_folder(
            repo_id=made.repo_id,
            folder_path=folder,
            revision=revision,
            commit_message="A model of multigan",
        )
    except Exception as error:  # besides the hub's own, whatever its transport raises
        raise UserError(
            f"{repo} was not pushed: {reason(error)}. `hf auth login` signs in"
        ) from None
    return str(made)


def results(evaluation: Mapping[str, Any], task: str, source: str) -> list[Any]:
    """The model's measures as the hub's ``model-index`` has them."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=task,
            dataset_type=source,
            dataset_name=f"{source}, {evaluation['n']:,} unseen samples",
            metric_type=measure,
            metric_name=measure,
            metric_value=found["mean"],
        )
        for measure, found in evaluation["rows"]["model"].items()
    ]
