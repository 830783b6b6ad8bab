"""Clips at addresses: read where they are used, to the predictions of local files."""

import csv

import pytest
from audio_files import tone, write_wav

from sentir import api
from sentir.errors import CorpusError
from sentir.files.remote_files import RemoteFile, is_remote

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket(tmp_path):
    """Three clips in memory, one of them damaged, and the folder of the same files."""
    system = fsspec.filesystem("memory")
    local = tmp_path / "clips"
    (local / "more").mkdir(parents=True)
    for n, name in enumerate(("a.wav", "more/b.wav")):
        write_wav(local / name, tone(0.4 + n, 300 + 200 * n), 16_000)
    (local / "bad.wav").write_bytes(b"no audio" * 99)
    (local / "notes.txt").write_text("x")
    system.put(str(local) + "/", "/bucket/", recursive=True)
    yield local
    system.rm("/bucket", recursive=True)


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_and_a_table_of_addresses_give_the_predictions_of_local_files(trained_models, bucket, tmp_path):
    model = trained_models.folder("multimodal", "torch")
    expected = {one.id.removeprefix(f"{bucket}/"): one for one in api.predict(model, bucket)}
    api.predict_to_file(model, [RemoteFile("memory://bucket")], tmp_path / "folder.csv")
    table = tmp_path / "clips.csv"
    names = ["memory://bucket/a.wav", "memory://bucket/gone.wav", "clips/a.wav"]
    table.write_text("audio,x\n" + "".join(f"{name},1\n" for name in names), encoding="utf-8")
    api.predict_to_file(model, [table], tmp_path / "table.csv")

    rows = {row["id"].rpartition("bucket/")[2]: row for row in read_rows(tmp_path / "folder.csv")}
    assert rows.keys() == expected.keys() == {"a.wav", "bad.wav", "more/b.wav"} and rows["bad.wav"]["problem"]
    for name in ("a.wav", "more/b.wav"):
        assert float(rows[name]["confidence"]) == pytest.approx(expected[name].confidence, abs=1e-5)
        assert rows[name]["label"] == expected[name].label
    far, gone, near = read_rows(tmp_path / "table.csv")
    for row in (far, near):
        assert float(row["confidence"]) == pytest.approx(expected["a.wav"].confidence, abs=1e-5)
    assert "gone.wav" in gone["problem"]


def test_what_no_clip_is_at_an_address_is_refused(trained_models, tmp_path, bucket):
    model = trained_models.folder("multimodal", "torch")
    for url, message in (
        ("memory://empty", "no audio or video"),
        ("memory://bucket/a.csv", "local file"),
        ("nowhere://bucket", "nowhere"),
    ):
        with pytest.raises(CorpusError, match=message):
            api.predict_to_file(model, [RemoteFile(url)], tmp_path / "out.csv")
    assert is_remote("s3://a/b.wav") and not is_remote("file:///a.wav") and not is_remote("C:/a.wav")
