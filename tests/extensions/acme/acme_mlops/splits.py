"""A split rule: the rows of a region are in one part."""

import numpy as np


class ByRegion:
    has_validation = True

    def __init__(self, *, test_region: str, validation_region: str):
        self.test_region, self.validation_region = test_region, validation_region

    def assign(self, frame):
        region = frame["region"]
        return np.select(
            [region == self.test_region, region == self.validation_region], ["test", "validation"], "train"
        )

    def to_dict(self):
        return {"test_region": self.test_region, "validation_region": self.validation_region}
