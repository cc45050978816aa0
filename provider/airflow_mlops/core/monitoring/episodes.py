"""Drift episodes: from drift that is seen to one retraining.

Drift opens an episode; enough labelled rows since the change ask for the retraining, once; its outcome closes the
episode. The state lives in the store and each step is a compare-and-set, so a window that is judged again, late or
twice, and a scheduler or triggerer that restarts, change nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_mlops.core.report import Check, Report, Status
from airflow_mlops.core.settings import Settings
from airflow_mlops.store import catalogue, episodes, ledger, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode, Window

Outcome = Literal["promoted", "held", "rejected", "failed"]


class EpisodePolicy(Settings):
    """The episode section of ``policy.yaml``.

    :param consecutive: so many failing windows in a row open an episode.
    :param min_labelled_rows: so many labelled rows since the change ask for the retraining.
    :param cool_down: after an episode, so many windows pass before drift opens another.
    :param max_attempts: so many retrainings that fail technically, then a person has to look.
    :param lease: so many windows after the request a run that still has not ended is taken for lost, and the
        episode is asked for again. Were it alive, the ledger's compare-and-set would still let only one promote.
    """

    consecutive: int = Field(default=1, ge=1)
    min_labelled_rows: int = Field(default=1000, ge=1)
    cool_down: int = Field(default=4, ge=0)
    max_attempts: int = Field(default=3, ge=1)
    lease: int = Field(default=4, ge=1)


def advance(
    database: Database,
    policy: EpisodePolicy,
    *,
    model: str,
    partition: str,
    labels: str,
    labelled_until: str,
) -> Report:
    """Move a model's episode on by what is known at a partition.

    :param partition: the partition that was judged last: the data's clock.
    :param labels: the dataset of labels in the catalogue.
    :param labelled_until: the last partition whose labels may be known at ``partition``.
    :returns: a report of kind ``episode`` that says what was done and why; it warns when a person has to look.
    """
    champion = ledger.head(database, model)
    if champion is None:
        return _told(model, partition, "none", "there is no champion to watch yet")
    episode = _current(database, model, champion.version, partition, policy)
    if episode is None:
        seen = windows.of_model(database, model, "drift", version=champion.version)
        failing = _streak([w for w in seen if w.partition <= partition])
        if len(failing) < policy.consecutive:
            return _told(model, partition, "none", f"{len(failing)} of {policy.consecutive} failing windows in a row")
        if wait := _cooling(database, model, [w.partition for w in seen], partition, policy):
            return _told(model, partition, "none", f"cooling down: {wait} more windows")
        episode = episodes.open_one(
            database,
            model=model,
            version=champion.version,
            change_partition=failing[0].partition,
            report=failing[0].report,
        )
        if episode is None:  # somebody else opened it this very moment, and will move it on
            return _told(model, partition, "open", "opened by another run")
    return _request(database, policy, episode, partition, labels, labelled_until)


def _current(database: Database, model: str, champion: int, partition: str, policy: EpisodePolicy) -> Episode | None:
    """Give the open episode, after what time or a person has made of it.

    One of a champion that was replaced meanwhile has nothing more to ask for; one whose run was lost is given back.
    """
    episode = episodes.current(database, model)
    if episode is not None and episode.version != champion and episodes.supersede(database, episode.id):
        return None
    if episode is not None and episode.state == "retraining" and episode.requested_partition is not None:
        since = {
            w.partition
            for w in windows.of_model(database, model, "drift", version=episode.version)
            if episode.requested_partition < w.partition <= partition
        }
        if len(since) >= policy.lease:
            actor = str(episode.claimed_by)
            episodes.give_back(database, episode.id, actor=actor, outcome=f"lost: {actor}"[:200])
            return episodes.current(database, model)
    return episode


def _request(
    database: Database, policy: EpisodePolicy, episode: Episode, partition: str, labels: str, labelled_until: str
) -> Report:
    """Ask for the retraining when the labels allow it."""
    model = episode.model
    if episode.state != "open":
        return _told(model, partition, episode.state, f"episode {episode.number} is {episode.state}", episode)
    known = catalogue.partitions(database, labels, first=episode.change_partition, last=labelled_until)
    rows = sum(ref.rows for ref in known)
    if rows < policy.min_labelled_rows:
        said = f"{rows} of {policy.min_labelled_rows} labelled rows since {episode.change_partition}"
        return _told(model, partition, "open", said, episode)
    if episode.attempts >= policy.max_attempts:
        said = f"{episode.attempts} retrainings failed: a person has to look"
        return _told(model, partition, "open", said, episode, alarm=True)
    cutoff = str(known[-1].partition)
    asked = episodes.request(database, episode.id, partition=partition, cutoff=cutoff)
    said = f"retraining asked: {rows} labelled rows from {episode.change_partition} to {cutoff}"
    return _told(model, partition, "requested", said if asked else "asked by another run", episode)


def finish(database: Database, episode: int, *, actor: str, outcome: Outcome) -> bool:
    """Close the episode that a training run has claimed; a run that failed gives it back."""
    if outcome == "failed":
        return episodes.give_back(database, episode, actor=actor, outcome=outcome)
    return episodes.close(database, episode, actor=actor, outcome=outcome)


def _streak(seen: list[Window]) -> list[Window]:
    """Give the failing windows at the end, without a gap between them. A window that was not judged does not count."""
    streak: list[Window] = []
    for window in reversed([w for w in seen if w.verdict != "not_judged"]):
        if window.verdict != "fail":
            break
        streak.insert(0, window)
    return streak


def _cooling(database: Database, model: str, seen: list[str], partition: str, policy: EpisodePolicy) -> int:
    """Give how many windows are still to pass after the last episode; 0 when none."""
    closed = [e for e in episodes.all_of(database, model) if e.closed_at is not None]
    if not closed or closed[-1].requested_partition is None:
        return 0
    passed = len({p for p in seen if closed[-1].requested_partition < p <= partition})
    return max(0, policy.cool_down - passed + 1) if passed <= policy.cool_down else 0


def _told(
    model: str, partition: str, state: str, message: str, episode: Episode | None = None, *, alarm: bool = False
) -> Report:
    facts = {
        "state": state,
        "episode": None if episode is None else episode.number,
        "change_partition": None if episode is None else episode.change_partition,
    }
    status: Status = "fail" if alarm else "pass"
    check = Check("episode", status, "warn" if alarm else "info", state, None, None, message)
    return Report.of("episode", f"{model} {partition}", [check], facts=facts)
