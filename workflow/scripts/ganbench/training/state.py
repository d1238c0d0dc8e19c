"""All of a run that changes while it is trained: what a checkpoint holds, and nothing else."""

from dataclasses import dataclass
from typing import Any

import torch

from ganbench.training.graphs import Graphs
from ganbench.training.measure import FirstNonFinite
from ganbench.training.records import Record
from ganbench.training.step import Game
from ganbench.training.stopping import Stopping


@dataclass
class Run:
    """A run after `step` steps, which took `seconds` of training time.

    `graphs` takes its steps where they are recorded.
    """

    game: Game
    record: Record
    stopping: Stopping
    non_finite: FirstNonFinite
    graphs: Graphs | None = None
    step: int = 0
    seconds: float = 0.0

    def state(self) -> dict[str, Any]:
        """Everything that the steps to come depend on, as `torch.save` takes it."""
        average, record = self.game.average, self.record
        return {
            "step": self.step,
            "seconds": self.seconds,
            "players": [
                {"network": player.network.state_dict(), "optimizer": player.optimizer.state_dict()}
                for player in (self.game.discriminator, self.game.generator)
            ],
            "average": average
            and {"network": average.network.state_dict(), "steps": average.steps},
            "streams": {name: each.get_state() for name, each in self._streams().items()},
            "stopping": {"best": self.stopping.best, "waited": self.stopping.waited},
            "non_finite": self.non_finite.steps,
            "record": {
                "history": record.history,
                "steps": record.steps,
                "generators": record.generators,
                "discriminators": record.discriminators,
                "pictures": [torch.from_numpy(each) for each in record.pictures],
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Becomes the run that `state` was taken of; this one has the same parameters."""
        self.step, self.seconds = state["step"], state["seconds"]
        players = (self.game.discriminator, self.game.generator)
        for player, kept in zip(players, state["players"], strict=True):
            player.network.load_state_dict(kept["network"])
            player.optimizer.load_state_dict(kept["optimizer"])
        if average := self.game.average:
            average.network.load_state_dict(state["average"]["network"])
            average.steps = state["average"]["steps"]
        for name, stream in self._streams().items():
            stream.set_state(state["streams"][name])
        self.stopping.best = state["stopping"]["best"]
        self.stopping.waited = state["stopping"]["waited"]
        self.non_finite.steps = state["non_finite"].to(self.non_finite.steps.device)
        record = state["record"]
        self.record.history, self.record.steps = record["history"], record["steps"]
        self.record.generators = record["generators"]
        self.record.discriminators = record["discriminators"]
        self.record.pictures = [each.numpy() for each in record["pictures"]]

    def _streams(self) -> dict[str, torch.Generator]:
        return {**self.game.streams, "stopping noise": self.stopping.noise}
