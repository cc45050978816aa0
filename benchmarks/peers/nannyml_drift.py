"""NannyML: univariate drift with its default methods, in ten chunks."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")

import nannyml  # noqa: E402
import pandas as pd  # noqa: E402


def main(asked: dict[str, Any]) -> str:
    """Do a task and give its verdict: the columns that alarm in most chunks."""
    if asked["task"] == "imports":
        return ""
    nannyml.disable_usage_logging()
    reference, current = (pd.read_parquet(asked["files"][asked[side]]) for side in ("reference", "current"))
    columns = list(reference)
    others = [c for c in columns if not pd.api.types.is_numeric_dtype(reference[c]) or reference[c].dtype == bool]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns, treat_as_categorical=others, chunk_number=10
    ).fit(reference)
    found = calculator.calculate(current).filter(period="analysis").to_df()
    alarms = found.loc[:, [key for key in found.columns if key[-1] == "alert"]].mean()
    return " ".join(sorted({key[0] for key, share in alarms.items() if share > 0.5}))


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": nannyml.__version__}))
