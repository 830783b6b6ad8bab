"""The index of the embedding cache: every key is found, however many processes add at once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sentir.recognizer import embedding_index
from sentir.recognizer.embedding_index import RECORD, EmbeddingIndex


def name(n):
    return hashlib.sha256(str(n).encode()).hexdigest()[:32]


def find(folder, numbers):
    return EmbeddingIndex(folder).find(np.array([name(n) for n in numbers], RECORD["key"]))


def add(folder, part, numbers):
    EmbeddingIndex(folder).add([name(n) for n in numbers], name(part), list(range(len(numbers))))


def test_records_are_those_of_a_dictionary(tmp_path):
    draw, expected = np.random.default_rng(0), {}
    index = EmbeddingIndex(tmp_path)
    for part in range(60):
        numbers = [*range(len(expected), len(expected) + int(draw.integers(1, 40)))]
        index.add([name(n) for n in numbers], name(part), list(range(len(numbers))))
        expected |= {n: (name(part).encode(), row) for row, n in enumerate(numbers)}
    asked = draw.integers(0, 2 * len(expected), 500)
    for opened in (index, EmbeddingIndex(tmp_path)):
        found = opened.find(np.array([name(n) for n in asked], RECORD["key"]))
        assert [(part, row) for _key, part, row in found.tolist()] == [expected.get(n, (b"", 0)) for n in asked]


def test_an_empty_index_finds_nothing(tmp_path):
    assert find(tmp_path / "none", [1, 2])["part"].tolist() == [b"", b""]


def test_the_number_of_files_grows_with_the_logarithm(tmp_path):
    for part in range(200):
        add(tmp_path, part, range(8 * part, 8 * part + 8))
    assert len(list(tmp_path.iterdir())) <= np.log2(200) + 1


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_parts_the_one_with_the_later_name_is_found(tmp_path, first):
    earlier, later = sorted((name(0), name(1)))
    for part in (earlier, later)[:: 1 if first == 0 else -1]:
        EmbeddingIndex(tmp_path).add([name(n) for n in range(5)], part, range(5))
    assert set(find(tmp_path, range(5))["part"]) == {later.encode()}


def test_writers_at_once_lose_nothing(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: add(tmp_path, part, range(5 * part, 5 * part + 5)), range(80)))
    assert (find(tmp_path, range(400))["part"] != b"").all()


def test_files_that_are_merged_while_they_are_opened_are_found_again(tmp_path, monkeypatch):
    add(tmp_path, 0, range(5))
    open_file = embedding_index._open_file

    def merged_meanwhile(path):
        monkeypatch.setattr(embedding_index, "_open_file", open_file)
        add(tmp_path, 1, range(5, 10))
        return open_file(path)

    monkeypatch.setattr(embedding_index, "_open_file", merged_meanwhile)
    assert (find(tmp_path, range(10))["part"] != b"").all()
