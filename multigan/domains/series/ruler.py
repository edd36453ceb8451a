"""Series measured against unseen ones."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from multigan.domains.ruler import Ruler
from multigan.domains.series import measures, sources
from multigan.domains.series.sources import Windows, all_windows, open_windows, stored_windows
from multigan.errors import DataError, UserError
from multigan.measures.embedder import Embedder
from multigan.samples import Reals, halves

if TYPE_CHECKING:
    from multigan.domains.series.domain import SeriesDomain


class SeriesRuler(Ruler):
    """Series are measured by their statistics, in the data's own units."""

    domain: "SeriesDomain"
    embedders = ("series",)
    aims = measures.AIMS

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training windows, and those kept apart or of another source."""
        data = self.domain.recipe.data
        unseen = self._of(held_out) if held_out is not None else open_windows(data, "test")
        test = stored_windows(unseen)
        try:
            train = self.domain.load()
        except DataError:  # it was trained elsewhere, or the files are gone
            if held_out is None:
                raise
            return halves(test, held_out)
        if train.fingerprint == test.fingerprint:
            raise DataError(
                f"{held_out or data.source} holds the very series that the model was trained on: "
                "give others by --data SOURCE"
            )
        kept = "drawn afresh" if data.source in self.domain.sources else "kept from training"
        where = held_out or f"{data.source}, {kept}"
        return Reals(
            train, test, f"{len(test):,} windows of {where}; {len(train):,} training windows"
        )

    def _of(self, source: str) -> Windows:
        """All windows of another source, with the channels of the model."""
        data = self.domain.recipe.data
        if source in self.domain.sources:
            return open_windows(data, "test")
        names = list(self.domain.channels) if self.domain.facts is not None else data.channels
        return all_windows(source, data, names)

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """Statistics of series."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: series know {', '.join(self.embedders)}")
        return measures.SeriesStatistics(reals.train.samples, device)

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Autocorrelation and roughness against unseen series, of ``sines`` how far from
        sinusoids."""
        found = measures.compared(made, reals.test.samples)
        if self.domain.recipe.data.source == "sines":
            found["off sine"] = measures.off_sine(made, sources.SLOWEST, sources.FASTEST)
        return found
