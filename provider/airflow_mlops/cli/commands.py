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


def get_commands() -> list[CLICommand]:
    """Give the commands, as Airflow's provider info asks for."""
    run = "airflow_mlops.cli.run."
    return [
        GroupCommand(
            name="mlops",
            help="The machine-learning lifecycle: its store and who is champion",
            subcommands=(
                GroupCommand(
                    name="db",
                    help="The lifecycle store",
                    subcommands=(
                        ActionCommand(
                            "upgrade", "Create or migrate its tables", lazy_load_command(run + "db_upgrade"), (_CONN,)
                        ),
                        ActionCommand(
                            "status", "Say where it is and what it has", lazy_load_command(run + "db_status"), (_CONN,)
                        ),
                    ),
                ),
                ActionCommand(
                    "history",
                    "Who was champion, newest first",
                    lazy_load_command(run + "history"),
                    (_MODEL, _LIMIT, _OUTPUT, _CONN),
                ),
                ActionCommand(
                    "as-of",
                    "Which version was champion at a moment",
                    lazy_load_command(run + "as_of"),
                    (_MODEL, _MOMENT, _CLOCK, _OUTPUT, _CONN),
                ),
            ),
        )
    ]
