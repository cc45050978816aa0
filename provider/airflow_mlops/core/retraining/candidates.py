"""Candidate selection for a training: the DAG's candidates, the searched ones, or the champion's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from airflow_mlops.common.errors import BadInput

StartFrom = Literal["candidates", "champion", "tuning"]
SPACE_KEY = "space"
CandidateInput = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CandidateSelection:
    """The selected candidates, and the reason for a fallback.

    :param start_from: the effective starting point.
    :param candidates: keywords of ``TrainModelOperator`` for each; those with a ``space`` of ``TuneModelOperator``.
    :param fallback_reason: why the requested starting point was replaced; ``None`` when it was used.
    """

    start_from: StartFrom
    candidates: list[dict[str, Any]]
    fallback_reason: str | None = None

    def filtered(self, searched: bool | None) -> list[dict[str, Any]]:
        """Return the candidates with a search space, those without, or all for ``None``."""
        return [c for c in self.candidates if searched is None or is_search(c) is searched]


def select_candidates(
    requested: str, candidates: Sequence[Mapping[str, Any]], load_champion: Callable[[], dict[str, Any]]
) -> CandidateSelection:
    """Select the candidates of a training.

    If the requested starting point is unavailable, falls back to the DAG's candidates.

    :param requested: ``candidates``: all of them; ``champion``: only the champion's configuration; ``tuning``: the
        candidates that have a space.
    :param candidates: the DAG's candidates.
    :param load_champion: returns the champion's configuration; raises ``BadInput`` when it is unavailable.
    :raises BadInput: when the starting point is not supported.
    """
    if requested not in get_args(StartFrom):
        supported = ", ".join(get_args(StartFrom))
        raise BadInput(f"{requested!r} is not a valid start_from", hint=f"supported: {supported}")
    everything = [dict(candidate) for candidate in candidates]
    if requested == "champion":
        try:
            return CandidateSelection("champion", [load_champion()])
        except BadInput as error:
            return CandidateSelection("candidates", everything, error.what)
    if requested == "tuning":
        searches = [candidate for candidate in everything if is_search(candidate)]
        return (
            CandidateSelection("tuning", searches)
            if searches
            else CandidateSelection("candidates", everything, "no candidate has a space")
        )
    return CandidateSelection("candidates", everything)


def normalise_candidates(candidates: Sequence[CandidateInput]) -> list[dict[str, Any]]:
    """Return each candidate as keywords; an import path alone becomes its ``build``.

    :raises BadInput: when the list is empty, or a candidate is neither an import path nor keywords with a ``build``.
    """
    if isinstance(candidates, str) or not isinstance(candidates, Sequence) or not candidates:
        raise BadInput(
            f"candidates must be a list with at least one entry; got {candidates!r}",
            hint="write candidates=['package.module:function', ...]",
        )
    normalised = [
        dict(candidate) if isinstance(candidate, Mapping) else {"build": candidate} for candidate in candidates
    ]
    for number, candidate in enumerate(normalised):
        if not isinstance(candidate.get("build"), str) or not candidate["build"]:
            raise BadInput(
                f"the candidate has no import path in build: {candidates[number]!r}",
                where=f"candidates[{number}]",
                hint="write 'package.module:function', or {'build': 'package.module:function', 'model_params': {...}}",
            )
    return normalised


def is_search(candidate: Mapping[str, Any]) -> bool:
    """Check whether a candidate has a search space."""
    return candidate.get(SPACE_KEY) is not None


def candidate_name(candidate: Mapping[str, Any]) -> str:
    """Return a candidate's name: its own, or that of its build function."""
    return str(candidate.get("candidate") or candidate["build"].rpartition(":")[2].rpartition(".")[2])
