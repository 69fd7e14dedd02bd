"""`python -m benchmarks.screening SUITE`: whether a screen gives the classes of float32, decision by decision.

Reads what `harness run-suite SUITE --profile small` (or another profile) has stored, and does its screened evaluations
again with every image classified in both precisions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from pydantic import TypeAdapter
from sqlalchemy import Row, select
from sqlalchemy.orm import aliased
from torch import Tensor, nn

from harness.evaluations import SCREENED, evaluate, setting_for
from harness.evaluations.screen import Screen, screen_for
from harness.settings import settings
from harness.spec import EvaluationSpec, TrainingSpec
from harness.store import schema, views
from harness.store.engine import open_database
from harness.suites.trained_model import trained_model


@dataclass
class Decisions:
    """Images that were classified in both precisions."""

    n: int = 0
    others: int = 0
    """In another class in bfloat16."""
    asked: int = 0
    """Of which a screen asks float32."""
    wrong: int = 0
    """In another class by the screen."""
    turned: float = 0.0
    """The largest lead in bfloat16 that float32 turns around, in parts of the lead that the screen trusts then."""


class Compared(nn.Module):
    """A model that is asked by a screen too; its logits are those of float32."""

    def __init__(self, exact: nn.Module, screen: Screen, decisions: Decisions) -> None:
        super().__init__()
        self.exact, self.screen, self.decisions = exact, screen, decisions

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.exact(images)
        of, classes = self.decisions, logits.argmax(1)
        rounded = self.screen.rounded(images)
        first, second = rounded.topk(2).values.T
        others = rounded.argmax(1) != classes
        of.n += len(images)
        of.others += int(others.sum())
        of.wrong += int((self.screen.classes(images, len(images), self._asked) != classes).sum())
        of.turned = max([of.turned, *((first - second)[others] / self.screen.lead).tolist()])
        return logits

    def _asked(self, images: Tensor) -> Tensor:
        self.decisions.asked += len(images)
        logits: Tensor = self.exact(images)
        return logits


def compare(suite: str, profile: str) -> Iterator[tuple[str, str, Decisions]]:
    """For each model its condition, its key and its decisions; of a model without a screen there are none."""
    load = lru_cache(maxsize=2)(lambda key: trained_model(key).model)
    for (condition, key), rows in groupby(_evaluations(suite, profile), lambda row: (row.condition, row.key)):
        decisions = Decisions()
        for row in rows:
            spec: EvaluationSpec = TypeAdapter(EvaluationSpec).validate_python(row.spec)
            if spec.kind not in SCREENED or spec.precision != "float32":
                continue
            substitute = load(row.substitute) if row.substitute else None
            trained = TrainingSpec.model_validate(row.trained)
            setting = setting_for(spec, trained, settings().data_dir, torch.device("cpu"), substitute)
            if screen := screen_for(load(key), setting, expected=1 << 40):
                compared = Compared(load(key), screen, decisions).eval()
                evaluate(compared, replace(setting, screened=False), spec)
        yield condition, key, decisions


def _evaluations(suite: str, profile: str) -> Sequence[Row[Any]]:
    """Those that are done, of models that were trained here, one after the other.

    condition, key, trained: the model's, with its spec; substitute: a key; spec: the evaluation's.
    """
    place, evaluation, model, job = views.EVALUATIONS.c, schema.Evaluation, schema.Model, schema.Job
    substitute, training = aliased(model), aliased(job)
    query = (
        select(
            place.condition, model.key, model.spec.label("trained"), substitute.key.label("substitute"), evaluation.spec
        )
        .join(evaluation, evaluation.id == place.evaluation_row)
        .join(model, model.id == evaluation.model_id)
        .join(substitute, substitute.id == evaluation.substitute_id, isouter=True)
        .join(job, job.key == evaluation.key)
        .join(training, training.key == model.key)
        .where(place.suite == suite, place.profile == profile, job.state == "done", training.kind == "train")
        .order_by(place.condition, model.key, evaluation.id)
    )
    with open_database(settings().database, create=False) as database, database.reading() as connection:
        return connection.execute(query).all()


def table(found: list[tuple[str, str, Decisions]]) -> str:
    """In Markdown, with all models together below."""
    heads = "model | decisions | others in bfloat16 | asked in float32 | wrong | largest lead turned"
    lines = [f"| condition | {heads} |", "|---" * 7 + "|"]
    lines += [f"| {condition} | {key} | {_cells(decisions)} |" for condition, key, decisions in found]
    n, others, asked, wrong, turned = zip(*(astuple(decisions) for *_, decisions in found), strict=True)
    whole = Decisions(sum(n), sum(others), sum(asked), sum(wrong), max(turned))
    return "\n".join([*lines, f"| all | {len(found)} | {_cells(whole)} |"])


def _cells(of: Decisions) -> str:
    if not of.n:
        return "| | no screen | |"
    return f"{of.n:,} | {of.others:,} | {of.asked / of.n:.1%} | {of.wrong} | {of.turned:.2f}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screening", description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--profile", default="small")
    arguments = parser.parse_args()
    found = list(compare(arguments.suite, arguments.profile))
    if not found:
        parser.error(f"no evaluation of {arguments.suite} (profile {arguments.profile}) is stored; run the suite first")
    print(table(found))


if __name__ == "__main__":
    main()
