"""Tables 1 to 3 from results that are made up."""

from __future__ import annotations

from dataclasses import replace

from invented import condition, results

from harness.report.paper.tables import gammas_tables, hyperparameters_table

FIRST = results(epochs=2)
SETS = (condition("none"), *(condition(name, "threshold", images=name) for name in ("imagenet", "cifar10", "cifar100")))
WHOLE = replace(results(SETS, epochs=2), suite="regularization-sets")
NOTE = "regularization-sets was not run: its models are those of grayscale-cifar10."


def test_a_suite_with_some_of_the_models_stands_in_for_the_one_that_was_not_run() -> None:
    [gammas] = gammas_tables({"grayscale-cifar10": FIRST}, "small")
    assert [row[:2] for row in gammas.rows] == [
        ("CIFAR-10 - CIFAR-10", "2"),
        ("CIFAR-10 - CIFAR-10, published", "7"),
        ("CIFAR-10 - ImageNet", "2"),
        ("CIFAR-10 - ImageNet, published", "7"),
    ]
    assert gammas.rows[1][2:] == ("0.008", "0.560", "0.380", "0.052", "0.000")
    assert NOTE in gammas.notes
    assert set(gammas.data["condition"]) == {"threshold", "threshold-cifar10"}
    hyperparameters = hyperparameters_table({"grayscale-cifar10": FIRST}, "small")
    assert hyperparameters.rows == (
        ("CIFAR-10 - CIFAR-10", "10", "0.8", "10", "0.8"),
        ("CIFAR-10 - ImageNet", "10", "0.8", "10", "0.8"),
    )
    assert hyperparameters.notes == (NOTE,)


def test_the_papers_own_suite_goes_first_in_the_papers_order() -> None:
    table = hyperparameters_table({"grayscale-cifar10": FIRST, "regularization-sets": WHOLE}, "small")
    assert [row[0] for row in table.rows] == ["CIFAR-10 - CIFAR-10", "CIFAR-10 - CIFAR-100", "CIFAR-10 - ImageNet"]
    assert (table.notes, set(table.data["suite"])) == ((), {"regularization-sets"})


def test_without_any_of_their_suites_there_are_no_tables() -> None:
    assert gammas_tables({}, "small") == []
    assert hyperparameters_table({}, "small").rows == ()
