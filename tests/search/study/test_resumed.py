"""A study that is taken up again: from a journal and from a PostgreSQL, alike."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search.spec.samplers import GP, TPE, CmaEs, Grid, QuasiRandom, Random, Sampler
from tuneyard.search.storage.trial_files import KEPT
from tuneyard.search.trials.record import Params, TrialRecord


def known(record: TrialRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name in KEPT}


def test_what_ended_is_known_and_the_others_come_first(search: Any) -> None:
    ended = search.cut()
    before = {number: search.proposals.params(number) for number in range(8)}
    study = search.study()
    assert [record.number for record in study.ended_before] == [0, 1, 3, 4, 6]
    for record in study.ended_before:
        assert known(record) == known(ended[record.number])
        assert record.params == before[record.number]
    assert study.unfinished == [2, 5, 7]
    assert search.ask(study, 3) == [(n, before[n]) for n in (2, 5, 7)]
    assert [number for number, _ in search.ask(study, 3)] == [8, 9, 10]
    assert search.proposals.numbers() == list(range(11))
    assert search.numbers() == [6, 0, 1, 4, 3], "the mirror is given each trial once"


def test_curves_are_those_that_were_reported(search: Any) -> None:
    search.cut()
    study = search.study()
    expected = {number: {2: number + 1 / 2, 5: number + 1 / 5} for number in (0, 1, 3, 4, 6)}
    assert study.curves() == expected
    (first, *_) = search.ask(study, 1)
    search.end(study, first)
    assert study.curves() == expected | {2: {2: 2 + 1 / 2, 5: 2 + 1 / 5}}


def test_a_search_may_be_cut_again_and_again(search: Any) -> None:
    search.cut()
    study = search.study()
    second = search.ask(study, 4)  # 2, 5, 7, 8
    search.end(study, second[3])
    search.end(study, second[0])
    assert study.close(20) == 0
    study = search.study()
    assert [record.number for record in study.ended_before] == [0, 1, 2, 3, 4, 6, 8]
    assert study.unfinished == [5, 7]
    assert search.ask(study, 2) == [second[1], second[2]]
    assert search.ask(study, 1)[0][0] == 9


def test_a_run_that_proposed_and_did_no_more(search: Any) -> None:
    first = search.ask(search.study(), 3)
    for _ in range(2):
        study = search.study()
        assert study.ended_before == []
        assert search.ask(study, 3) == first


def test_a_run_that_did_nothing(search: Any) -> None:
    search.study()
    study = search.study()
    assert (study.ended_before, study.unfinished) == ([], [])
    assert search.space.unflatten(search.ask(study, 1)[0][1]) == search.space.baseline()


@pytest.mark.parametrize("torn", [0, 5])
def test_numbers_whose_record_was_cut_short_are_filled(on_journal: Any, torn: int) -> None:
    """The crash came between two files, or in the middle of one: no trial had run by then."""
    search = on_journal
    study = search.study()
    asked = on_journal.ask(study, 8)
    for number in (1, 3, 6):
        on_journal.end(study, asked[number])
    assert study.close(20) == 0
    for number in {torn, 5}:
        search.folder.write(f"trials/{number:05d}.json", '{"params": {"x"')
    Path(search.folder.path, "trials/00004.json").unlink()
    study = search.study()
    assert study.unfinished == [0, 2, 4, 5, 7]
    again = dict(on_journal.ask(study, 6))
    assert list(again) == [0, 2, 4, 5, 7, 8]
    assert on_journal.space.unflatten(again[0]) == on_journal.space.baseline()
    assert [again[2], again[7]] == [asked[2][1], asked[7][1]]
    assert asked[4][1] not in again.values()
    # they are recorded now
    assert [search.proposals.params(number) for number in again] == list(again.values())


CUTS = [[], [0], [1], [4], [1, 1, 1], [3, 0, 5], [2, 7, 30]]


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_a_grid_goes_on_without_repeats(on_journal: Any, cuts: list[int]) -> None:
    """Cut after so many trials each time, with two running, one of which is never recorded."""
    space = on_journal.space.narrow({"n": 5})
    sampler = Grid(points=3)
    seen: list[Params] = []

    def run(count: int) -> bool:
        study = on_journal.study(sampler, space)
        done = False
        while not done and count > 0:
            asked = study.ask()
            done = asked is None
            if asked:
                seen.append(asked[1])
                on_journal.end(study, asked)
            count -= 1
        study.ask(), study.ask()
        assert study.close(20) == 0
        return done

    for count in cuts:
        run(count)
    assert run(1000)
    texts = [repr(sorted(params.items())) for params in seen]
    assert len(set(texts)) == len(texts)
    grid = [space.flatten(config) for config in [space.baseline(), *space.grid(3)]]
    assert set(texts) == {repr(sorted(params.items())) for params in grid}
    assert sorted(on_journal.numbers()) == list(range(len(texts)))


FREE: list[Sampler] = [
    TPE(startup_trials=4),
    TPE(startup_trials=40),
    Random(),
    QuasiRandom(),
    GP(startup_trials=40),
    CmaEs(),
]


@pytest.mark.parametrize("sampler", FREE, ids=str)
def test_no_config_is_proposed_twice(on_journal: Any, sampler: Sampler) -> None:
    proposed: dict[int, Params] = {}
    for ended, running in ((0, 3), (5, 3), (4, 0), (6, 2)):
        study = on_journal.study(sampler)
        asked = on_journal.ask(study, ended + running)
        assert [one for one in asked if one[0] in proposed] == [
            (number, proposed[number]) for number in study.unfinished
        ]
        proposed |= dict(asked)
        for one in asked[:ended]:
            on_journal.end(study, one)
        assert study.close(20) == 0
    assert sorted(proposed) == list(range(len(proposed)))
    searched = [leaf.path for leaf in on_journal.space.dimensions()]
    for path in ("x", "rate", "n"):
        assert path in searched
        values = [params[path] for params in proposed.values()]
        assert len(set(values)) == len(values), f"{path} comes twice"


def test_a_resumed_sampler_has_learnt(on_journal: Any) -> None:
    """What ended before counts among TPE's trials: it looks where they were good at once."""
    sampler = TPE(startup_trials=10)
    study = on_journal.study(sampler)
    for asked in on_journal.ask(study, 60):
        on_journal.end(study, asked, value=(float(asked[1]["x"] or 0) - 0.8) ** 2)  # type: ignore[arg-type]
    assert study.close(20) == 0
    late = [float(params["x"] or 0) for _, params in on_journal.ask(on_journal.study(sampler), 10)]
    assert sum(abs(x - 0.8) < 0.3 for x in late) >= 6, late


def test_a_journal_and_a_database_hold_the_same(on_journal: Any, on_postgres: Any) -> None:
    proposed = []
    for search in (on_journal, on_postgres):
        search.cut(TPE(startup_trials=3))
        study = search.study(TPE(startup_trials=3))
        proposed.append(on_journal.ask(study, 6))
    assert proposed[0] == proposed[1]
    for one, other in zip(on_journal.mirror(), on_postgres.mirror(), strict=True):
        for name in ("params", "distributions", "intermediate_values", "user_attrs", "values"):
            assert getattr(one, name) == getattr(other, name)
        assert (one.state, one.number) == (other.state, other.number)
