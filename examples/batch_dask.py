"""Many questions over several processes, which learn from each other: Dask here, Ray by the same class.

    python examples/batch_dask.py

Nothing leaves this machine: the providers are scripted, and the first of them is down. Each worker process gets the
model as a pickle and has connections and threads of its own. What it finds out about a provider it tells the others
through a SQLite file; on a fleet, `Resilience(store="redis://…")` does the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dask.bag

from g4f_integrations import ChatG4F, Resilience, Route
from g4f_integrations.testing import ScriptedProvider

QUESTIONS = [f"Is {number} odd or even?" for number in range(40)]


class Answerer:
    """Answers batches of questions: a dict of columns in, a dict of columns out, as Ray Data wants it.

    With Ray, where each worker of the pool makes its own::

        pool = ray.data.ActorPoolStrategy(size=4)
        ray.data.from_items(rows).map_batches(Answerer, fn_constructor_args=(model,), compute=pool)
    """

    def __init__(self, model: ChatG4F) -> None:
        self.model = model

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch with the answers, and who gave them, beside the questions."""
        messages = self.model.batch([str(question) for question in batch["question"]])
        journeys = [message.response_metadata["g4f"] for message in messages]
        return {
            **batch,
            "answer": [message.text for message in messages],
            "provider": [journey["provider"] for journey in journeys],
            "attempts": [len(journey["attempts"]) for journey in journeys],
            "process": [os.getpid()] * len(messages),
        }


def answered(partition: Iterable[str], answer: Answerer) -> list[dict[str, Any]]:
    """One partition of a Dask bag: questions in, rows out."""
    columns = answer({"question": list(partition)})
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def main() -> None:
    """Ask all questions in two processes, and show who answered."""
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    good = ScriptedProvider("Look at its last digit.", name="Good")
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder, 'health.db')}"
        model = ChatG4F(
            routes=[Route(down, "m"), Route(good, "m")],
            resilience=Resilience(store=store, breaker_failures=3, breaker_cooldown=600),
        )
        bag = dask.bag.from_sequence(QUESTIONS, npartitions=4)
        rows = bag.map_partitions(answered, Answerer(model)).compute(scheduler="processes", num_workers=2)
    processes = {row["process"] for row in rows}
    print(f"{len(rows)} answers by {', '.join(sorted({row['provider'] for row in rows}))}: {rows[0]['answer']}")
    print(f"{sum(row['attempts'] for row in rows)} attempts; this process made none: {os.getpid() not in processes}")


if __name__ == "__main__":
    main()
