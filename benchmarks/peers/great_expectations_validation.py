"""Great Expectations on pandas: the thirty rules as a suite, with its default (SUMMARY) result."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import great_expectations as gx  # noqa: E402
import pandas as pd  # noqa: E402
from great_expectations import expectations as gxe  # noqa: E402

TYPES = {"int": ["int64"], "float": ["float64"], "str": ["str", "object", "string"], "bool": ["bool"]}


def expectation(rule: dict[str, Any]) -> Any:
    """Express a rule in its words."""
    kind, column = rule["rule"], rule["column"]
    if kind == "type":
        return gxe.ExpectColumnValuesToBeInTypeList(column=column, type_list=TYPES[rule["type"]])
    if kind == "missing":
        return gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=1 - rule["most"])
    if kind == "range":
        return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=rule["min"], max_value=rule["max"])
    if kind == "set":
        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=rule["values"])
    if kind == "pattern":
        return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=f"^(?:{rule['pattern']})$")
    if kind == "unique":
        return gxe.ExpectColumnValuesToBeUnique(column=column)
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=column, column_B=rule["than"], or_equal=True, ignore_row_if="either_value_is_missing"
    )


def main(asked: dict[str, Any]) -> str:
    """Do a task and give its verdict."""
    if asked["task"] == "imports":
        return ""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("rules")
    frame = pd.read_parquet(asked["files"]["rules"])
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="rules", expectations=[expectation(rule) for rule in asked["rules"]])
    failed = [result for result in batch.validate(suite).results if not result.success]
    return " ".join(sorted(_told(result) for result in failed))


def _told(result: Any) -> str:
    settings = result.expectation_config
    column = settings.kwargs.get("column") or settings.kwargs.get("column_A")
    if result.exception_info and result.exception_info.get("raised_exception"):
        return f"{column}:{settings.type} ERROR"
    return f"{column}:{settings.type}={(result.result or {}).get('unexpected_count')}"


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": gx.__version__}))
