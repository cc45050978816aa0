"""``airflow mlops …``: the commands. Only names and help here; the work is imported when a command runs."""

from __future__ import annotations

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command

_MODEL = Arg(("model",), help="The model's name")
_MOMENT = Arg(("moment",), help="An ISO date or date-time (UTC unless it says otherwise)")
_CLOCK = Arg(
    ("--clock",),
    choices=("recorded", "effective"),
    default="effective",
    help="effective: on the data's clock; recorded: what the store knew then",
)
_CONN = Arg(("--store-conn-id",), default="mlops_store_default", help="The connection to the lifecycle store")
_OUTPUT = Arg(("--output", "-o"), choices=("table", "json"), default="table", help="How to print")
_LIMIT = Arg(("--limit",), type=int, default=20, help="At most so many entries, newest first")
_BEFORE = Arg(("--before-epoch",), type=int, help="Only older entries, for the next page")
_VERSION = Arg(("version",), help="A version, such as churn/3; or a model, for its champion")
_MLFLOW = Arg(("--mlflow-conn-id",), default="mlflow_default", help="The connection to MLflow")
_TO = Arg(("--to",), type=int, help="Back to this version; default: the champion before")
_WHY_BACK = Arg(("--reason",), required=True, help="What is wrong with the champion; it stays in the ledger")
_WHY_ADOPTED = Arg(("--reason",), default="adopted from MLflow", help="Why, for the ledger")
_ADOPTED = Arg(("--version",), type=int, help="Its version; default: that of the alias champion, else the newest")
_URI = Arg(("--uri",), help="In place of a version: where the files are, such as runs:/<run id>/model")
_ROWS = Arg(("--data",), help="The rows that it was trained and chosen on: dataset@partition")
_KEPT = Arg(("--contract",), help="The contract that those rows kept; its features are profiled")
_TRUSTED = Arg(("--trusted-type",), action="append", help="A type of your own that the model may contain; repeatable")

_REPORT = Arg(("report",), help="The report's id, as the task's log and its link name it")
_FORMAT = Arg(("--format",), choices=("text", "markdown", "html", "json"), default="text", help="How to print")
_DATA = Arg(("data",), help="A CSV or Parquet file, a folder of Parquet files, or dataset@partition")
_NAME = Arg(("--name",), help="The dataset's name; default: the file's")
_FILE = Arg(("--output", "-o"), help="Write to this new file instead of the screen")
_NEW = Arg(("model",), help="The new model's name: small letters, digits and underscores")
_INTO = Arg(("--into",), default=".", help="The bundle's root, the folder that has dags and include")
_SPEC = Arg(("spec",), help="The lifecycle's YAML file, such as include/churn/lifecycle.yaml")
_ROOT = Arg(("--root",), default=".", help="The bundle's root, from which files and functions are found")
_CONTRACT = Arg(("contract",), help="The contract's YAML file, or a pandera schema's import path")


def get_commands() -> list[CLICommand]:
    """Give the commands, as Airflow's provider info asks for."""
    return [
        GroupCommand(
            name="mlops",
            help="The machine-learning lifecycle: its store, who is champion, contracts, reports",
            subcommands=(
                _store(),
                _contract(),
                _spec(),
                _command("new", "Write the files of a new model, ready to run", "new.new", _NEW, _INTO),
                *_registry(),
                _command("report", "Print a published report", "run.report", _REPORT, _FORMAT, _CONN),
            ),
        )
    ]


def _registry() -> tuple[ActionCommand, ...]:
    as_of, where_from = "Which version was champion at a moment", "Where a version comes from, and what became of it"
    back, adopt = "Make an earlier champion champion again", "Make a model of MLflow's the first champion"
    how = (_OUTPUT, _CONN)
    taken = (_ADOPTED, _URI, _ROWS, _KEPT, _TRUSTED, _WHY_ADOPTED)
    return (
        _command("history", "Who was champion, newest first", "registry.history", _MODEL, _LIMIT, _BEFORE, *how),
        _command("as-of", as_of, "registry.as_of", _MODEL, _MOMENT, _CLOCK, *how),
        _command("lineage", where_from, "registry.lineage", _VERSION, *how, _MLFLOW),
        _command("rollback", back, "registry.rollback", _MODEL, _TO, _WHY_BACK, *how, _MLFLOW),
        _command("adopt", adopt, "registry.adopt", _MODEL, *taken, *how, _MLFLOW),
    )


def _store() -> GroupCommand:
    upgrade = _command("upgrade", "Create or migrate its tables", "db.upgrade", _CONN)
    says = "Say where it is, what it has, and where MLflow says otherwise"
    status = _command("status", says, "db.status", _OUTPUT, _CONN, _MLFLOW)
    return GroupCommand(name="db", help="The lifecycle store", subcommands=(upgrade, status))


def _contract() -> GroupCommand:
    infer = _command("infer", "Write a first contract from data", "contract.infer", _DATA, _NAME, _FILE, _CONN)
    schema = _command("schema", "Print its JSON schema, for editors", "contract.schema", _FILE)
    check = _command("check", "Say whether a contract is valid", "contract.check", _CONTRACT)
    return GroupCommand(name="contract", help="What a dataset promises", subcommands=(infer, schema, check))


def _spec() -> GroupCommand:
    holds = "Say whether it holds, and what it names is there"
    check = _command("check", holds, "spec.check", _SPEC, _ROOT)
    schema = _command("schema", "Print its JSON schema, for editors", "spec.schema", _FILE)
    return GroupCommand(name="spec", help="A model's lifecycle in one file", subcommands=(check, schema))


def _command(name: str, says: str, function: str, *arguments: Arg) -> ActionCommand:
    return ActionCommand(name, says, lazy_load_command(f"airflow_mlops.cli.{function}"), arguments)
