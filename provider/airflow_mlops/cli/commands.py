"""Commands ``airflow mlops …``: names and help. The implementation is imported when a command runs."""

from __future__ import annotations

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command

_MODEL = Arg(("model",), help="The model's name")
_MOMENT = Arg(("moment",), help="An ISO date or date-time; default time zone: UTC")
_CLOCK = Arg(
    ("--clock",),
    choices=("recorded", "effective"),
    default="effective",
    help="effective: the data's clock; recorded: when decisions were stored",
)
_CONN = Arg(("--store-conn-id",), default="mlops_store_default", help="The connection to the lifecycle store")
_OUTPUT = Arg(("--output", "-o"), choices=("table", "json"), default="table", help="Output format")
_LIMIT = Arg(("--limit",), type=int, default=20, help="Maximum number of entries, newest first")
_BEFORE = Arg(("--before-revision",), type=int, help="Only older entries, for the next page")
_VERSION = Arg(("version",), help="A version, such as churn/3, or a model, for its champion")
_MLFLOW = Arg(("--mlflow-conn-id",), default="mlflow_default", help="The connection to MLflow")
_TO = Arg(("--to",), type=int, help="The version to restore; default: the previous champion")
_ROLLBACK_REASON = Arg(("--reason",), required=True, help="The problem with the champion; stored in the ledger")
_ADOPTION_REASON = Arg(("--reason",), default="adopted from MLflow", help="The reason; stored in the ledger")
_MODEL_VERSION = Arg(("--version",), type=int, help="Its version; default: that of the alias champion, else the newest")
_URI = Arg(("--uri",), help="URI of the model files instead of a version, such as runs:/<run id>/model")
_TRAINING_DATA = Arg(("--data",), help="The training and selection rows: dataset@partition")
_DATA_CONTRACT = Arg(("--contract",), help="The contract of those rows; its features are profiled")
_TRUSTED = Arg(("--trusted-type",), action="append", help="A project type that the model may contain; repeatable")

_REPORT = Arg(("report",), help="The report's id, from the task's log or its link")
_FORMAT = Arg(("--format",), choices=("text", "markdown", "html", "json"), default="text", help="Output format")
_DATA = Arg(("data",), help="A CSV or Parquet file, a folder of Parquet files, or dataset@partition")
_NAME = Arg(("--name",), help="The dataset's name; default: the file's")
_FILE = Arg(("--output", "-o"), help="Write to this new file instead of standard output")
_NEW = Arg(("model",), help="The new model's name: small letters, digits and underscores")
_INTO = Arg(("--into",), default=".", help="The bundle's root, the folder with dags and include")
_SPEC = Arg(("spec",), help="The lifecycle YAML file, such as include/churn/lifecycle.yaml")
_ROOT = Arg(("--root",), default=".", help="The bundle's root, for relative files and imports")
_ALL = Arg(("--all",), action="store_true", help="Also list what is built in")
_EXTENSIONS = "List the metrics, checks, formats, runtimes ... that installed packages add, and what cannot be loaded"
_CONTRACT = Arg(("contract",), help="The contract's YAML file, or the import path of a pandera schema")


def get_commands() -> list[CLICommand]:
    """Return the commands, for Airflow's provider info."""
    return [
        GroupCommand(
            name="mlops",
            help="The machine-learning lifecycle: store, champions, contracts, reports",
            subcommands=(
                _store(),
                _contract(),
                _spec(),
                _command("new", "Create the files of a new model, ready to run", "new.new", _NEW, _INTO),
                *_registry(),
                _command("extensions", _EXTENSIONS, "extensions.list_extensions", _ALL, _OUTPUT),
                _command("report", "Print a published report", "report.report", _REPORT, _FORMAT, _CONN),
            ),
        )
    ]


def _registry() -> tuple[ActionCommand, ...]:
    as_of, lineage = "Show the champion at a time", "Show a version's origin and its later use"
    rollback, adopt = "Roll back to an earlier champion", "Adopt a model from MLflow as the first champion"
    common = (_OUTPUT, _CONN)
    adoption = (_MODEL_VERSION, _URI, _TRAINING_DATA, _DATA_CONTRACT, _TRUSTED, _ADOPTION_REASON)
    return (
        _command("history", "Show the champions, newest first", "registry.history", _MODEL, _LIMIT, _BEFORE, *common),
        _command("as-of", as_of, "registry.as_of", _MODEL, _MOMENT, _CLOCK, *common),
        _command("lineage", lineage, "registry.lineage", _VERSION, *common, _MLFLOW),
        _command("rollback", rollback, "registry.rollback", _MODEL, _TO, _ROLLBACK_REASON, *common, _MLFLOW),
        _command("adopt", adopt, "registry.adopt", _MODEL, *adoption, *common, _MLFLOW),
    )


def _store() -> GroupCommand:
    upgrade = _command("upgrade", "Create or migrate its tables", "db.upgrade", _CONN)
    description = "Show its address, its row counts and its inconsistencies with MLflow"
    status = _command("status", description, "db.status", _OUTPUT, _CONN, _MLFLOW)
    return GroupCommand(name="db", help="The lifecycle store", subcommands=(upgrade, status))


def _contract() -> GroupCommand:
    infer = _command("infer", "Infer a contract from data", "contract.infer", _DATA, _NAME, _FILE, _CONN)
    schema = _command("schema", "Print its JSON schema, for editors", "contract.schema", _FILE)
    check = _command("check", "Check whether a contract is valid", "contract.check", _CONTRACT)
    return GroupCommand(name="contract", help="Contracts of datasets", subcommands=(infer, schema, check))


def _spec() -> GroupCommand:
    description = "Check the file, and the files and functions that it references"
    check = _command("check", description, "spec.check", _SPEC, _ROOT)
    schema = _command("schema", "Print its JSON schema, for editors", "spec.schema", _FILE)
    return GroupCommand(name="spec", help="Lifecycle files of models", subcommands=(check, schema))


def _command(name: str, description: str, function: str, *arguments: Arg) -> ActionCommand:
    return ActionCommand(name, description, lazy_load_command(f"airflow_mlops.cli.{function}"), arguments)
