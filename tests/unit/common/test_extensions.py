"""Extension points: a name, an entry point or an import path leads to one object; errors say how to fix them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput, MlopsError, NotFound
from airflow_mlops.common.extensions import ExtensionPoint, name_of, parse_choice, third_party_errors


class Tea:
    def __init__(self, *, sort: str, **more: Any) -> None:
        self.sort, self.more = sort, more

    def pour(self) -> str:
        return self.sort


def water(degrees: int = 20) -> Any:
    return degrees / 0 if degrees > 100 else object()


@pytest.fixture
def drinks() -> ExtensionPoint[Callable[..., Any]]:
    builtin: dict[str, Any] = {"tea": Tea, "water": water, "milk": "builtins:dict", "stone": 7}
    return ExtensionPoint("drink", "drinks", builtin, members=("pour",))


def test_an_installed_entry_point_is_found_by_name_and_by_import_path(drinks: Any, installed_entry_point: Any) -> None:
    path = installed_entry_point(drinks, "cocoa", "Cocoa", "class Cocoa:\n    def pour(self):\n        return 'hot'\n")
    assert drinks.names() == ["tea", "water", "milk", "stone", "cocoa"]
    assert "cocoa" in drinks
    assert drinks.create("cocoa").pour() == drinks.create(path).pour() == "hot"
    assert drinks.get("cocoa") is drinks.get(path)
    assert [problem for *_, problem in drinks.describe() if problem] == []


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("tea", "class Cocoa: pass", "ignored: 'tea' is a built-in drink"),
        ("cocoa", "1 / 0", "cannot load the drink 'cocoa': ZeroDivisionError"),
        ("cocoa", "", "cannot load the drink 'cocoa': AttributeError"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_a_problem(
    name: str, source: str, problem: str, drinks: Any, installed_entry_point: Any
) -> None:
    installed_entry_point(drinks, name, "Cocoa", source)
    (sentence,) = [problem for *_, problem in drinks.describe() if problem]
    assert sentence.startswith(problem)
    assert drinks.get("tea") is Tea


def test_options_reach_the_class_and_unknown_ones_too_where_it_takes_any(drinks: Any) -> None:
    tea = drinks.create("tea", {"sort": "green", "sugar": 1})
    assert (tea.sort, tea.more) == ("green", {"sugar": 1})


@pytest.mark.parametrize(
    ("choice", "options", "message"),
    [
        ("te", {}, "'te' is not a known drink(.|\n)*did you mean 'tea'"),
        ("tea", {}, "the drink 'tea' requires the option 'sort'"),
        ("water", {"degree": 3}, "'degree' is not an option of the drink 'water'(.|\n)*did you mean 'degrees'"),
        ("water", {"degrees": 101}, "the drink 'water' cannot be created: ZeroDivisionError(.|\n)*test_extensions.py"),
        ("water", {}, "'water' is not a valid drink: object has no 'pour'"),
        ("stone", {}, "'stone' is not a valid drink: got an object of type int"),
        ("no_module:Tea", {}, "cannot import 'no_module'"),
    ],
)
def test_what_cannot_be_created_is_refused_with_a_hint(choice: str, options: Any, message: str, drinks: Any) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        drinks.create(choice, options)
    assert caught.value.hint


def test_a_choice_is_a_name_or_a_mapping_with_a_kind() -> None:
    assert parse_choice("tea", "drink") == ("tea", {})
    assert parse_choice({"kind": "tea", "sort": "green"}, "drink") == ("tea", {"sort": "green"})
    for wrong in ({"sort": "green"}, {"kind": 3}, {"kind": ""}):
        with pytest.raises(BadInput, match="drink has no kind"):
            parse_choice(wrong, "drink")


def test_a_class_a_function_and_an_object_have_an_import_path() -> None:
    assert name_of("tea") == "tea"
    assert name_of(Tea) == name_of(Tea(sort="x")) == f"{__name__}:Tea"
    assert name_of(water) == f"{__name__}:water"


def test_an_error_of_another_package_says_what_failed_and_ours_pass() -> None:
    with pytest.raises(MlopsError, match="the kettle: ZeroDivisionError") as caught, third_party_errors("the kettle"):
        water(101)
    assert type(caught.value) is MlopsError
    assert str(caught.value.where).startswith(__file__)
    with pytest.raises(NotFound, match="^nothing$"), third_party_errors("the kettle"):
        raise NotFound("nothing")
    with pytest.raises(KeyError), third_party_errors("the kettle", reraise=(KeyError,)):
        raise KeyError
