"""A drift method: the Hellinger distance of categories."""

import numpy as np


class Hellinger:
    kinds = ("category", "bool")
    threshold = 0.1

    def compare(self, reference, current):
        sides = [reference.categories.counts, current.categories.counts]
        names = sorted({**sides[0], **sides[1]})
        counts = np.array([[side.get(name, 0) for name in names] for side in sides])
        p, q = np.sqrt(counts / counts.sum(axis=1, keepdims=True))
        return float(np.sqrt(np.sum((p - q) ** 2) / 2))


hellinger = Hellinger()
