"""What the champions say over HTTP: real models, trained a little, registered in a real MLflow."""

import json
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.datasets import names
from tuneyard.search.errors import SearchError
from tuneyard.search.models.champions import CHAMPION
from tuneyard.search.models.predict import CHUNK_ROWS, ServedModel, as_array
from tuneyard.search.service.predict import MAX_ROWS
from tuneyard.search.tracking.client import MlflowClient, connect
from tuneyard.search.tracking.runs import find_experiment
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces.tasks.names_gru import NamesGruSpace
from tuneyard.trainables.task import find_task
from tuneyard.trainables.tasks.names_gru import Classifier, ExportedClassifier
from tuneyard.trainables.training.evaluate import FinalModel
from tuneyard.trainables.training.loop import start_loop

CLASSES = ["Chinese", "Dutch", "Greek"]


@pytest.fixture(scope="session")
def airplane() -> FinalModel:
    """The airplane LSTM after two epochs."""
    task = find_task("airplane-lstm")
    config, data = task.space.space().baseline(), task.load(None)
    loop = start_loop(task, config, data, seed=0, device=torch.device("cpu"))
    for _ in range(2):
        loop.train_epoch()
    module, example = loop.problem.export()
    return FinalModel(module.eval(), example, {})


@pytest.fixture(scope="session")
def surnames() -> FinalModel:
    """A classifier of surnames that has learnt nothing."""
    torch.manual_seed(0)
    module = ExportedClassifier(Classifier(NamesGruSpace(), len(CLASSES))).eval()
    example = np.stack([names.encode("Ng", 19), names.encode("Vos", 19)]).astype(np.int64)
    return FinalModel(module, example, {})


@pytest.fixture(scope="session")
def registered(
    empty_database: Path, airplane: FinalModel, surnames: FinalModel, register_final: Any
) -> Path:
    """A store in which both are champions."""
    database = empty_database.with_name("registered.db")
    shutil.copy(empty_database, database)
    client = connect(f"sqlite:///{database}")
    for task, final, tags in (
        ("airplane-lstm", airplane, {}),
        ("names-gru", surnames, {"tuneyard.classes": json.dumps(CLASSES)}),
    ):
        run = client.create_run(find_experiment(client, task)).info.run_id
        client.set_terminated(run)
        version = register_final(client, final, task, run, VersionTags.decode(tags))
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
    return database


@pytest.fixture
def own_records(registered: Path, tmp_path: Path, records: Any) -> Any:
    """A store of the test's own with the champions."""
    shutil.copy(registered, tmp_path / "mlflow.db")
    return type(records)(f"sqlite:///{tmp_path}/mlflow.db")


def promote_copy(client: MlflowClient, folder: Path) -> Path:
    """Makes a copy of the airplane's champion the champion; where its graph is."""
    (first,) = client.search_model_versions("name = 'tuneyard-airplane-lstm'")
    files = client.get_model_version_download_uri(first.name, first.version)
    shutil.copytree(files.removeprefix("file://"), folder)
    second = client.create_model_version(first.name, str(folder), run_id=first.run_id)
    client.set_registered_model_alias(first.name, CHAMPION, second.version)
    return folder / "data" / "model.pt2"


def expected(final: FinalModel, inputs: Any) -> list[Any]:
    with torch.no_grad():
        outputs: list[Any] = final.model(torch.tensor(np.asarray(inputs))).tolist()
    return outputs


def test_a_number_for_each_row(
    serve: Any, own_records: Any, airplane: FinalModel, line: Any
) -> None:
    http = serve()
    for rows in ([[112, 118]], [[112.5, 118], [132, 129], [121, 135]]):
        answer = http.post("/tasks/airplane-lstm/predict", json={"inputs": rows})
        assert answer.status_code == 200, answer.text
        said = answer.json()
        outputs = said.pop("outputs")
        assert said == {
            "task": "airplane-lstm",
            "model": "tuneyard-airplane-lstm",
            "version": "1",
            "classes": None,
        }
        np.testing.assert_allclose(outputs, expected(airplane, np.float32(rows)), rtol=1e-5)
    wanted = "inputs must be nx2 finite numbers (float32), got "
    for wrong, got in (
        ([112, 118], "2"),
        ([[112]], "1x1"),
        ([[112, 118, 132]], "1x3"),
        ([[112, 118], [1]], "rows of different lengths"),
        ([["112", "118"]], "[['112', '118']]"),
        ([[None, 118]], "[[None, 118]]"),
        ([{"a": 1}], "[{'a': 1}]"),
        ([[True, False]], "[[True, False]]"),
        ([[1e300, 1]], "1e+300"),
        ([[[112, 118]]], "1x1x2"),
    ):
        answer = http.post("/tasks/airplane-lstm/predict", json={"inputs": wrong})
        assert line(answer, 422) == wanted + got
    for body in ({"inputs": []}, {}, {"inputs": "x"}, {"inputs": [[1, 2]], "model": "x"}):
        assert line(http.post("/tasks/airplane-lstm/predict", json=body), 422)
    answer = http.post("/tasks/airplane-lstm/predict", content=b'{"inputs": [[NaN, 1]]}')
    assert line(answer, 422) == wanted + "nan"


def test_surnames_as_people_write_them(
    serve: Any, own_records: Any, surnames: FinalModel, line: Any
) -> None:
    http = serve()
    codes = names.encode("Muller", 19).tolist()
    said = http.post("/tasks/names-gru/predict", json={"inputs": ["Müller", codes]}).json()
    assert said["classes"] == CLASSES
    np.testing.assert_allclose(said["outputs"], expected(surnames, [codes, codes]), rtol=1e-5)
    np.testing.assert_allclose(np.sum(said["outputs"], axis=1), 1, rtol=1e-5)
    for wrong, got in (
        ("x" * 20, "name must have at most 19 letters, got 20"),
        ("", "name must have at least one letter, got ''"),
        (3, "inputs must be nx19 finite numbers (int64), got "),
        ([1000] * 19, "inputs can't be taken by tuneyard-names-gru: "),
        ([-1] * 19, "inputs can't be taken by tuneyard-names-gru: "),
        ([65.5] * 19, "inputs must be nx19 finite numbers (int64), got 65.5"),
    ):
        answer = http.post("/tasks/names-gru/predict", json={"inputs": [wrong]})
        assert line(answer, 422).startswith(got)


def test_many_rows_are_answered_in_order_and_too_many_are_refused(
    serve: Any, own_records: Any, surnames: FinalModel, line: Any
) -> None:
    http = serve()
    letters = "abcdefghij" * (CHUNK_ROWS // 4)
    said = http.post("/tasks/names-gru/predict", json={"inputs": list(letters)}).json()
    codes = [names.encode(letter, 19).tolist() for letter in letters]
    np.testing.assert_allclose(said["outputs"], expected(surnames, codes), rtol=1e-4)
    answer = http.post("/tasks/names-gru/predict", json={"inputs": ["a"] * (MAX_ROWS + 1)})
    assert f"inputs list should have at most {MAX_ROWS} items" in line(answer, 422)


class Batches(nn.Module):
    """Doubles its input, and notes how many rows it sees at once."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(rows))
        return 2 * rows


def test_a_model_sees_few_rows_at_once() -> None:
    module, inputs = Batches(), np.arange(2.0 * CHUNK_ROWS + 1)[:, None]
    served = ServedModel("mine", "1", None, (-1, 1), inputs.dtype, module)
    assert served.predict(inputs) == (2 * inputs).tolist()
    assert module.rows == [CHUNK_ROWS, CHUNK_ROWS, 1]


def test_a_download_that_hangs_keeps_nobody_else_waiting(serve: Any, own_records: Any) -> None:
    http = serve()
    body = {"inputs": [[112, 118]]}
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        silent.settimeout(60)
        where = f"http://127.0.0.1:{silent.getsockname()[1]}/api/2.0/mlflow-artifacts/artifacts/m"
        version = own_records.client.create_model_version("tuneyard-airplane-lstm", where)
        own_records.client.set_registered_model_alias(version.name, CHAMPION, version.version)
        # more than the service has threads
        with ThreadPoolExecutor(50) as clients:
            waiting = [
                clients.submit(http.post, "/tasks/airplane-lstm/predict", json=body)
                for _ in range(50)
            ]
            connection, _ = silent.accept()
            said = http.post("/tasks/names-gru/predict", json={"inputs": ["Vos"]})
            assert said.status_code == 200, said.text
            assert http.get("/searches").status_code == 200
            assert not any(one.done() for one in waiting)
            silent.close()
            connection.close()
            assert {one.result().status_code for one in waiting} == {503}
    # the next one who asks tries again
    own_records.client.set_registered_model_alias(version.name, CHAMPION, "1")
    time.sleep(1.1)
    assert http.post("/tasks/airplane-lstm/predict", json=body).status_code == 200


def test_without_a_champion(serve: Any, line: Any) -> None:
    http = serve()
    answer = http.post("/tasks/diabetes/predict", json={"inputs": [[1]]})
    assert line(answer, 404) == (
        "task 'diabetes' has no champion yet; search it first: tuneyard submit diabetes"
    )
    answer = http.post("/tasks/fruit/predict", json={"inputs": [[1]]})
    assert line(answer, 404).startswith("there is no task 'fruit'; known: ")


def test_a_new_champion_speaks_next(serve: Any, own_records: Any, tmp_path: Path) -> None:
    http = serve()

    def version() -> str:
        body = {"inputs": [[112, 118]]}
        return str(http.post("/tasks/airplane-lstm/predict", json=body).json()["version"])

    assert version() == "1"
    promote_copy(own_records.client, tmp_path / "copy")
    time.sleep(1.1)
    assert version() == "2"


class Strange:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pwned"),))


def test_a_model_that_would_run_code_is_refused(
    serve: Any, own_records: Any, line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = promote_copy(own_records.client, tmp_path / "copy")
    http = serve()
    body = {"inputs": [[112, 118]]}
    torch.save(Strange(), graph)
    answer = http.post("/tasks/airplane-lstm/predict", json=body)
    assert "is not a pickle-free payload" in line(answer, 422)
    graph.rename(graph.with_suffix(".pth"))
    answer = http.post("/tasks/airplane-lstm/predict", json=body)
    assert "is no model that tuneyard registered" in line(answer, 422)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("inputs", "shape", "dtype"),
    [([[1, 2]], (-1, 2), "float32"), ([[1], [2]], (-1, 1), "int64"), ([3, 4], (-1,), "float64")],
)
def test_numbers_as_an_array(inputs: Any, shape: Any, dtype: str) -> None:
    array = as_array(inputs, shape, np.dtype(dtype))
    assert (array.dtype, array.tolist()) == (np.dtype(dtype), inputs)
    with pytest.raises(SearchError, match="inputs must be"):
        as_array([[[1]]], shape, np.dtype(dtype))


@pytest.mark.parametrize(
    ("inputs", "dtype", "got"),
    [
        ([[]], "int64", "1x0"),
        ([[]], "float32", "1x0"),
        ([[7, 300]], "uint8", "300"),
        ([[7, -1]], "uint8", "-1"),
        ([[2**63]], "int64", "9223372036854775808"),
        ([[1.5]], "int64", "1.5"),
        ([[0.0, 1e300]], "float32", "1e\\+300"),
    ],
)
def test_numbers_that_the_model_has_none_for(inputs: Any, dtype: str, got: str) -> None:
    with pytest.raises(SearchError, match=rf"^inputs must be nxn finite numbers.*, got {got}$"):
        as_array(inputs, (-1, -1), np.dtype(dtype))


@pytest.mark.parametrize("wrong", [-1, 256, 1000])
def test_bytes_are_not_cut_off(wrong: int) -> None:
    assert as_array([0, 255], (-1,), np.dtype("uint8")).tolist() == [0, 255]
    with pytest.raises(SearchError, match=rf"finite numbers \(uint8\), got {wrong}$"):
        as_array([0, wrong], (-1,), np.dtype("uint8"))
