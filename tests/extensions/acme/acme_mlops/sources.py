"""A row source: the customers of a CRM."""

import numpy as np
import polars as pl

REGIONS = ["north", "east", "south", "west"]


class Crm:
    """Generate the customers of a partition, in two pages.

    :param rows: their number.
    :param bad: the number of accounts of another country.
    :param shift: how many rows in a hundred move to the north.
    """

    def __init__(self, *, rows: int = 2000, bad: int = 0, shift: int = 0):
        self.rows, self.bad, self.shift = rows, bad, shift

    def read(self, partition):
        frame = self.customers(partition)
        yield frame[: self.rows // 2]
        yield frame[self.rows // 2 :]

    def customers(self, partition):
        ids = np.arange(self.rows)
        rng = np.random.default_rng(int(partition.replace("-", "")))
        age, region = rng.normal(40, 10, self.rows), rng.choice(REGIONS, self.rows)
        return pl.DataFrame(
            {
                "id": ids,
                "region": np.where(ids % 100 < self.shift, "north", region),
                "age": age + self.shift / 5,
                "noise": rng.normal(size=self.rows),
                "account": [f"{'FR' if i < self.bad else 'DE'}{i:020}" for i in ids],
                "left": (age + rng.normal(0, 6, self.rows) > 40).astype(int),
            }
        )
