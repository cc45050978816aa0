"""What a training fits: the candidates that its DAG names, those of them that are searched, or the champion anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from airflow_mlops.core.errors import BadInput

StartFrom = Literal["candidates", "champion", "tuning"]
SPACE = "space"
Given = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """What a training fits, and why it is not what was asked for.

    :param start_from: what it starts from indeed.
    :param candidates: keywords of ``TrainModelOperator`` for each, with a ``space`` those of ``TuneModelOperator``.
    :param instead: why it does not start from what was asked for; ``None``: it does.
    """

    start_from: StartFrom
    candidates: list[dict[str, Any]]
    instead: str | None = None

    def of(self, searched: bool | None) -> list[dict[str, Any]]:
        """Give the candidates that are searched, those that are not, or with ``None`` all of them."""
        return [one for one in self.candidates if searched is None or is_search(one) is searched]


def start(asked: str, given: Sequence[Mapping[str, Any]], own: Callable[[], dict[str, Any]]) -> Start:
    """Decide what a training fits.

    A retraining is not lost because what it was to start from is not to be had: then it starts from the candidates.

    :param asked: ``candidates``: all of them; ``champion``: the champion's configuration and nothing else; ``tuning``:
        the candidates that have a space.
    :param given: the candidates of the DAG.
    :param own: gives the champion's configuration; raises ``BadInput`` when it cannot be had.
    :raises BadInput: when nothing of that name can be started from.
    """
    if asked not in get_args(StartFrom):
        raise BadInput(f"no training starts from {asked!r}", mend=f"known are {', '.join(get_args(StartFrom))}")
    everything = [dict(one) for one in given]
    if asked == "champion":
        try:
            return Start("champion", [own()])
        except BadInput as error:
            return Start("candidates", everything, error.what)
    if asked == "tuning":
        searches = [one for one in everything if is_search(one)]
        return Start("tuning", searches) if searches else Start("candidates", everything, "no candidate has a space")
    return Start("candidates", everything)


def mappings(candidates: Sequence[Given]) -> list[dict[str, Any]]:
    """Give each candidate as keywords: an import path alone is the ``build`` of one.

    :raises BadInput: when there is none, or one is neither an import path nor keywords with a ``build``.
    """
    if isinstance(candidates, str) or not isinstance(candidates, Sequence) or not candidates:
        raise BadInput(
            f"candidates have to be a list with at least one, not {candidates!r}",
            mend="write candidates=['package.module:function', ...]",
        )
    found = [dict(one) if isinstance(one, Mapping) else {"build": one} for one in candidates]
    for number, one in enumerate(found):
        if not isinstance(one.get("build"), str) or not one["build"]:
            raise BadInput(
                f"a candidate has no import path to be built by: {candidates[number]!r}",
                where=f"candidates, number {number}",
                mend="write 'package.module:function', or {'build': 'package.module:function', 'model_params': {...}}",
            )
    return found


def is_search(candidate: Mapping[str, Any]) -> bool:
    """Say whether a candidate's parameters are searched for."""
    return candidate.get(SPACE) is not None


def called(candidate: Mapping[str, Any]) -> str:
    """Give a candidate's name: its own, or the function's."""
    return str(candidate.get("candidate") or candidate["build"].rpartition(":")[2].rpartition(".")[2])
