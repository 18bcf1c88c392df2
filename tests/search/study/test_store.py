"""The stored study: a journal that was cut short, a database that is away, or not ours."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import optuna
import pytest
from optuna.trial import FrozenTrial

from tuneyard.search.errors import SearchError
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.study import store as study_mirror
from tuneyard.search.study.store import check_studies


def test_a_journal_that_a_crash_cut_short(on_journal: Any) -> None:
    """Its last line is lost with the trial that it tells of, and nothing that follows."""
    on_journal.cut()
    journal = Path(on_journal.folder.path, "study.journal")
    text = journal.read_bytes()
    journal.write_bytes(text[:-40])
    study = on_journal.study()
    assert study.unfinished == [2, 3, 5, 7]
    for asked in on_journal.ask(study, 5):
        on_journal.end(study, asked)
    assert study.close(20) == 0
    assert on_journal.numbers() == [6, 0, 1, 4, 2, 3, 5, 7, 8]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_mirror, "FIRST_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(study_mirror, "MAX_WAIT_SECONDS", 0.2)
    # Optuna itself tries a few times, some seconds long
    monkeypatch.setattr("optuna.storages._rdb.storage.time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_away_for_a_while(
    on_postgres: Any, postgres: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tuneyard")
    study = on_postgres.study()
    asked = on_postgres.ask(study, 7)
    on_postgres.end(study, asked[0])
    until(lambda: on_postgres.numbers() == [0])
    postgres.stop()
    try:
        started = time.monotonic()
        for one in asked[1:4]:
            on_postgres.end(study, one)
        assert on_postgres.ask(study, 1)[0][0] == 7
        assert time.monotonic() - started < 1, "the search waits for nobody"
        time.sleep(0.3)
    finally:
        postgres.start()
    for one in asked[4:]:
        on_postgres.end(study, one)
    assert study.close(20) == 0
    assert on_postgres.numbers() == [0, 1, 2, 3, 4, 5, 6]
    said = [record.message for record in caplog.records if "Optuna" in record.message]
    assert len(said) == 1
    assert said[0].startswith("the Optuna storage does not answer (OperationalError); ")


@pytest.mark.usefixtures("impatient")
def test_a_database_that_stays_away_holds_nobody_up(on_postgres: Any, postgres: Any) -> None:
    study = on_postgres.study()
    asked = on_postgres.ask(study, 3)
    postgres.stop()
    try:
        for one in asked:
            on_postgres.end(study, one)
        started = time.monotonic()
        assert study.close(give_up_after=0.5) == 3
        assert time.monotonic() - started < 5
    finally:
        postgres.start()
    # what the mirror lacks is run again
    assert on_postgres.study().unfinished == [0, 1, 2]


@pytest.mark.usefixtures("impatient")
def test_a_lost_answer_repeats_nothing(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    study = search.study()
    real = optuna.Study.add_trial
    lost = []

    def add_trial(self: optuna.Study, trial: FrozenTrial) -> None:
        real(self, trial)
        # the working study is added to as well, when it is rebuilt
        if trial.user_attrs.get("number") == 1 and not lost:
            lost.append(trial)
            raise ConnectionError("the answer is lost")

    monkeypatch.setattr(optuna.Study, "add_trial", add_trial)
    for one in search.ask(study, 3):
        search.end(study, one)
    assert study.close(20) == 0
    assert lost
    assert search.numbers() == [0, 1, 2]


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def refusal(search: Any, studies: str | None = None, *, resumed: bool = False) -> str:
    with pytest.raises(SearchError) as refused:
        check_studies(search.folder, search.name, studies or search.studies, resumed=resumed)
    (line,) = str(refused.value).splitlines()
    return line


def test_a_new_search_takes_no_other_ones_study(on_postgres: Any) -> None:
    check_studies(on_postgres.folder, on_postgres.name, on_postgres.studies, resumed=False)
    on_postgres.cut()
    name = on_postgres.name
    assert refusal(on_postgres) == (
        f"there is a study {name!r} in the Optuna storage already; give another --name"
    )
    check_studies(on_postgres.folder, name, on_postgres.studies, resumed=True)
    check_studies(on_postgres.folder, "another", on_postgres.studies, resumed=False)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_database_that_does_not_answer_costs_one_line(on_journal: Any, resumed: bool) -> None:
    away = "postgresql://tuneyard:secret-word@127.0.0.1:9/optuna"
    line = refusal(on_journal, away, resumed=resumed)
    assert line.startswith("the Optuna storage does not answer (")
    assert line.endswith("; start it, or mend TUNEYARD_STUDIES")
    assert "secret-word" not in line


def test_a_wrong_password_is_not_shown(on_postgres: Any) -> None:
    password = urlsplit(on_postgres.studies or "").password or ""
    wrong = (on_postgres.studies or "").replace(password, "secret-word")
    line = refusal(on_postgres, wrong)
    assert line.startswith("the Optuna storage does not answer (")
    assert "secret-word" not in line


def test_the_environment_names_the_storage(
    on_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, on_postgres.studies = on_postgres.studies, None
    monkeypatch.setenv("TUNEYARD_STUDIES", str(address))
    on_postgres.cut()
    assert not Path(on_postgres.folder.path, "study.journal").exists()
    on_postgres.studies = address
    assert on_postgres.numbers() == [6, 0, 1, 4, 3]


def test_a_search_in_an_object_store_needs_a_database(object_store: str) -> None:
    folder = SearchFolder(object_store, "my-search")
    with pytest.raises(SearchError) as refused:
        check_studies(folder, "my-search", None, resumed=False)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"a search in the object store {folder} needs an Optuna storage")
    assert "TUNEYARD_STUDIES, e.g. postgresql://" in line
