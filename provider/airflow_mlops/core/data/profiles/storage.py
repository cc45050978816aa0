"""Keeping profiles beside the snapshots that they stand for."""

from __future__ import annotations

import hashlib

from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.data.snapshot import SnapshotRoot, checked_name
from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.refs import ProfileRef


def keep(root: SnapshotRoot, dataset: str, profile: Profile) -> ProfileRef:
    """Write a profile, named by its content; the same one again is one file.

    :param dataset: the dataset's name.
    """
    text = profile.to_json()
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    uri = root.write_text(f"{checked_name(dataset)}/profiles/{digest}.json", text)
    return ProfileRef(dataset, digest, uri, profile.rows)


def get(root: SnapshotRoot, ref: ProfileRef) -> Profile:
    """Read a profile back.

    :raises NotFound: when it is not there.
    :raises BadInput: when it is damaged, or of another format.
    """
    path = f"{checked_name(ref.dataset)}/profiles/{checked_name(ref.id, 'profile')}.json"
    try:
        return Profile.from_json(root.read_text(path))
    except FileNotFoundError:
        raise NotFound(
            f"there is no profile {ref.id} of {ref.dataset!r}",
            where=ref.uri,
            mend="check that this worker uses the same snapshot root as the one that wrote it, or profile again",
        ) from None
