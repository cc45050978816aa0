"""The gate on a published evaluation, bound to the files it judged and the champion it compared them with."""

from __future__ import annotations

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import BadInput, NotFound
from airflow_mlops.core.evaluation import GatePolicy, decide, evidence
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.registry.promotion import bind
from airflow_mlops.core.report import Report
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database


def gate(
    database: Database,
    root: SnapshotRoot,
    *,
    evaluation: Report,
    challenger: ModelVersionRef,
    policy: GatePolicy,
) -> Report:
    """Decide on the evidence of an evaluation, and bind the decision to the challenger's files and the champion.

    :raises BadInput: when the evaluation is of another version.
    :raises NotFound: when the ledger does not know the champion that the evaluation compared with.
    """
    if evaluation.kind != "evaluation" or evaluation.subject != str(challenger):
        raise BadInput(
            f"the report is the {evaluation.kind} of {evaluation.subject}, not the evaluation of {challenger}",
            mend="pass the output of the EvaluateModelOperator that judged this version",
        )
    facts = evaluation.facts
    scored = root.open(SnapshotRef.from_dict(facts["evidence"]))
    sides = {
        role: evidence.read(
            scored,
            role,
            subject=f"{challenger.model} v{of['version']} ({role})",
            seen_rows=of["seen_rows"],
            facts={k: of[k] for k in ("bytes", "predict_ms_per_1000") if of.get(k) is not None},
        )
        for role, of in facts["roles"].items()
    }
    judged = sides["challenger"]
    epoch = facts["champion_epoch"]
    if judged is None or (epoch is not None and sides.get("champion") is None):
        raise BadInput("the evidence has no scores of both models", where=str(challenger), mend="evaluate again")
    champion = None if epoch is None else ledger.at_epoch(database, challenger.model, epoch)
    if epoch is not None and champion is None:
        raise NotFound(
            f"the ledger has no epoch {epoch} of {challenger.model!r}, with which the evaluation compared",
            where=database.address,
            mend="evaluate again, on the lifecycle store that the gate uses",
        )
    return bind(decide(sides.get("champion"), judged, policy), challenger, champion)
