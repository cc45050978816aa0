"""A notifier: a file that grows."""

from airflow_mlops.notifications.base import ReportNotifier


class Notebook(ReportNotifier):
    """Append messages to a file.

    :param path: the file.
    """

    def __init__(self, message: str = "", *, path: str, **kwargs):
        super().__init__(message, **kwargs)
        self.path = path

    def send(self, text, context):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
