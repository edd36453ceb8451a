"""Pictures measured against unseen ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.domains.image.frozen import features_are_there
from multigan.domains.image.measures import AIMS, paired
from multigan.domains.image.settings import UNPAIRED
from multigan.domains.image.sources import PictureSource
from multigan.domains.image.stacked import grey
from multigan.domains.ruler import Ruler
from multigan.errors import DataError, UserError
from multigan.measures.embedder import Embedder
from multigan.samples import Reals, Stored, halves

if TYPE_CHECKING:
    from multigan.domains.image.domain import ImageDomain


class ImageRuler(Ruler):
    """Pictures are measured on an embedding of their uint8."""

    domain: "ImageDomain"
    embedders = ("classifier", "patches", "lite0", "inception", "clip", "dinov2")
    paired_aims = AIMS
    tradeoffs = (("recall", "precision"),)

    def training_samples(self) -> Stored:
        """The training pictures, with their labels."""
        return self.domain.decoded(self.domain.source, self.domain.recipe.data.split)[0]

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training pictures, and those of the test split or of another source."""
        data = self.domain.recipe.data
        other: Literal["train", "test"] = "test" if data.split == "train" else "train"
        if held_out is None:
            try:
                unseen = self.domain.open_split(other)
            except DataError as error:
                raise DataError(
                    f"{error}. Or name other pictures to compare with: --data SOURCE"
                ) from None
        else:
            unseen = self._any_split(held_out)
        test, theirs = self.domain.decoded(unseen, other)
        described = f"{len(test):,} pictures, the {other} split of {data.source}"
        described = described if held_out is None else f"{len(test):,} pictures of {held_out}"
        try:
            train, ours = self.domain.decoded(self.domain.source, data.split)
        except DataError:  # it was trained elsewhere, or the files are gone
            return halves(test, held_out or data.source)
        if self.domain.recipe.data.stack == 1:
            test = _named_alike(test, theirs, ours)
        if train.fingerprint == test.fingerprint:
            raise DataError(
                f"{held_out or data.source} holds the very pictures that the model was trained on: "
                "give others by --data SOURCE"
            )
        return Reals(
            train, test, f"{described}, unseen; {len(train):,} training pictures of {data.source}"
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """A classifier of the pictures' own labels, random patches, Inception, or a model of
        transformers; never the network that the model was trained by."""
        from multigan.domains.image.embedders import picture_embedder

        taught = self._taught_by_lite0()
        if name == "lite0" and taught is not None:
            raise UserError(
                f"--embedder lite0 is the network that this model was trained by ({taught}), and "
                "would find it better than it is: use another"
            )
        classified = name in (None, "classifier")
        single = self._single_reals() if self.domain.recipe.data.stack > 1 and classified else None
        return picture_embedder(name, weights, reals, single, device)

    def paired_measures(
        self, made: Tensor, true: Tensor, condition: Condition
    ) -> dict[str, Tensor]:
        """How near pictures are to the true ones; of repaired ones also inside the holes, by their
        size. Without pairs there are no true ones."""
        if self.domain.recipe.data.task == UNPAIRED:
            return {}
        hole = condition[1] if isinstance(condition, tuple) and len(condition) == 2 else None
        return paired(made, true, hole if isinstance(hole, Tensor) else None)

    def cautions(self) -> Sequence[str]:
        """That SSIM sees no colour, and that the perceptual distance judges what was trained by its
        own network."""
        data, taught = self.domain.recipe.data, self._taught_by_lite0()
        if data.task in ("make", UNPAIRED):
            return ()
        said = []
        if data.channels >= 3:
            said.append("SSIM is of the luminance and blind to colour: that is in colour error")
        if taught is not None and features_are_there("lite0"):
            said.append(
                "perceptual is measured by the network that this model was trained by "
                f"({taught}): it may look better than it is"
            )
        return said

    def _taught_by_lite0(self) -> str | None:
        """The setting by which the frozen network of ``lite0`` had a part in the training."""
        critic = self.domain.recipe.critic
        if critic.network == "projected" and critic.options.get("source") in (None, "lite0"):
            return "critic.network = 'projected'"
        return None

    def untaught(self, condition: Condition) -> Tensor | None:
        """What the task has without a network: bicubic, grey, the mean colour."""
        if self.domain.task is None:
            return None
        return self.domain.stored(
            self.domain.task.plain(condition, self.domain.recipe.data.channels)
        )

    def _any_split(self, source: str) -> PictureSource:
        """The test split of a source that has one, else all of it."""
        alone = replace(self.domain.recipe.data, held_out=0.0)
        domain = type(self.domain)(replace(self.domain.recipe, data=alone))
        try:
            return domain.open_split("test", source)
        except DataError:
            return domain.open_split("train", source)

    def _single_reals(self) -> Reals:
        """The grey pictures that stacks are made of."""
        data = grey(self.domain.recipe.data)
        return type(self.domain)(replace(self.domain.recipe, data=data)).ruler.real_samples()


def _named_alike(test: Stored, theirs: Sequence[str], ours: Sequence[str]) -> Stored:
    """The same samples with labels that number our classes; without labels if they have a class
    that we have not."""
    if test.labels is None or tuple(theirs) == tuple(ours):
        return test
    if not set(theirs) <= set(ours):
        return replace(test, labels=None)
    numbers = torch.tensor([ours.index(name) for name in theirs])
    return replace(test, labels=numbers[test.labels])
