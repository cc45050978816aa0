"""Storage of profiles next to the snapshots that they describe."""

from __future__ import annotations

import hashlib

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import ProfileRef
from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot, validate_name


def save_profile(root: SnapshotRoot, dataset: str, profile: Profile) -> ProfileRef:
    """Save a profile under its content digest; equal profiles share one file.

    :param dataset: the dataset's name.
    """
    text = profile.to_json()
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    uri = root.write_text(f"{validate_name(dataset)}/profiles/{digest}.json", text)
    return ProfileRef(dataset, digest, uri, profile.rows)


def load_profile(root: SnapshotRoot, ref: ProfileRef) -> Profile:
    """Load a profile.

    :raises NotFound: when it does not exist.
    :raises BadInput: when it is damaged, or its format is not supported.
    """
    path = f"{validate_name(ref.dataset)}/profiles/{validate_name(ref.id, 'profile')}.json"
    try:
        return Profile.from_json(root.read_text(path))
    except FileNotFoundError:
        raise NotFound(
            f"there is no profile {ref.id} of {ref.dataset!r}",
            where=ref.uri,
            hint="check that this worker uses the same snapshot root as the one that wrote it, or profile again",
        ) from None
