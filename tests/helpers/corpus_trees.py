"""Small trees like those of published corpora: names and formats as published, contents invented."""

import csv
import json

EVALUATION = "[{start:.4f} - {end:.4f}]\t{name}\t{code}\t[{dims}]"


def touch(root, *names):
    """Create empty files, which readers of clips do not decode."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def write_rows(path, rows, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **options).writerows(rows)


def ravdess(root):
    for actor in range(1, 25):
        for code in range(1, 9):
            name = f"03-01-{code:02}-01-01-01-{actor:02}.wav"
            touch(root, f"Actor_{actor:02}/{name}", f"audio_speech_actors_01-24/Actor_{actor:02}/{name}")
    touch(root, "Actor_01/03-02-01-01-01-01-01.wav", "Actor_01/01-01-01-01-01-01-01.mp4")  # song and video


def cremad(root):
    for actor in range(1001, 1041):
        for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
            touch(root, f"AudioWAV/{actor}_IEO_{emotion}_HI.wav")
    touch(root, "AudioWAV/1076_MTI_SAD_XX.wav")
    header = ["", "A", "D", "F", "H", "N", "S", "fileName", "numResponses"]
    rows = [
        ["100001", 3, 0, 0, 0, 1, 0, "1001_IEO_ANG_HI", 4],
        ["100002", 2, 0, 0, 0, 2, 0, "1001_IEO_DIS_HI", 4],
        ["200001", 0, 9, 0, 0, 0, 0, "1001_IEO_ANG_HI", 9],  # votes on the face
    ]
    write_rows(root / "processedResults/tabulatedVotes.csv", [header, *rows], quoting=csv.QUOTE_NONNUMERIC)
    write_rows(
        root / "VideoDemographics.csv", [["ActorID", "Age", "Sex"], [1001, 51, "Male"], [1002, 21, "Female"]]
    )


def emodb(root):
    for speaker in ("03", "08", "09", *map(str, range(10, 17))):
        touch(root, *(f"wav/{speaker}a01{code}a.wav" for code in "WLEAFTN"))


def savee(root):
    for speaker in ("DC", "JE", "JK", "KL"):
        touch(root, *(f"AudioData/{speaker}/{code}01.wav" for code in ("a", "d", "f", "h", "n", "sa", "su")))


def tess(root):
    codes = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    for speaker in ("OAF", "YAF"):
        for n in range(20):
            touch(root, *(f"{speaker}_{code}/{speaker}_word{n}_{code}.wav" for code in codes))
    touch(root, "OAF_neutral/OA_bite_neutral.wav")


def mesd(root):
    for emotion in ("Anger", "Disgust", "Fear", "Happiness", "Neutral", "Sadness"):
        touch(root, *(f"{emotion}_{voice}_A_palabra{n}.wav" for voice in "FMC" for n in range(20)))


def iemocap(root):
    codes = ("ang", "exc", "fru", "xxx")
    for session in range(1, 6):
        dialogue, folder = f"Ses0{session}F_impro01", root / f"IEMOCAP_full_release/Session{session}"
        names = [f"{dialogue}_{'FM'[n % 2]}{n // 2:03}" for n in range(len(codes))]
        lines = [
            EVALUATION.format(start=n, end=n + 1, name=name, code=code, dims="2.5000, 5.5000, 1.0000")
            for n, (name, code) in reversed(list(enumerate(zip(names, codes, strict=True))))
        ]
        texts = [f"{name} [00{n}.0000-00{n + 1}.0000]: Line {n}." for n, name in enumerate(names)]
        for part, content in (("EmoEvaluation", ["% header", "", *lines]), ("transcriptions", texts)):
            path = folder / "dialog" / part / f"{dialogue}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(content) + "\n", encoding="utf-8")
        touch(folder, f"dialog/EmoEvaluation/Attribute/{dialogue}_e1.txt")
        touch(folder, *(f"sentences/wav/{dialogue}/{name}.wav" for name in names))


def emorynlp(root):
    for n, split in enumerate(("trn", "dev", "tst")):
        scene = f"s01_e0{n}_c01"
        utterances = [
            {
                "utterance_id": f"{scene}_u{k:03}",
                "speakers": ["Joey Tribbiani"],
                "transcript": f"{split} line {k}",
                "emotion": label,
            }
            for k, label in enumerate(("Joyful", "Mad", "Powerful"))
        ]
        tree = {
            "episodes": [{"episode_id": f"s01_e0{n}", "scenes": [{"scene_id": scene, "utterances": utterances}]}]
        }
        path = root / f"json/emotion-detection-{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tree), encoding="utf-8")


def dailydialog(root):
    for split in ("train", "validation", "test"):
        folder = root / "ijcnlp_dailydialog" / split
        folder.mkdir(parents=True)
        texts = [f"Hello {split} . __eou__ Hi ! __eou__", f"What {split} ? __eou__"]
        (folder / f"dialogues_{split}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
        (folder / f"dialogues_emotion_{split}.txt").write_text("0 4 \n6 \n", encoding="utf-8")


def goemotions(root):
    for split in ("train", "dev", "test"):
        rows = [[f'She said "{split}"', "0,27", f"{split}1"], [f"Oh {split}", "2", f"{split}2"]]
        lines = ["\t".join(row) for row in rows]
        root.mkdir(exist_ok=True)
        (root / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "emotions.txt").write_text("admiration\n", encoding="utf-8")


def mmeld(root):
    columns = (
        "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
    )
    header = [*columns.split(","), "spanish_text"]
    for split in ("train", "dev", "test"):
        times = ["00:00:01,000", "00:00:02,500"]
        rows = [
            [n, f"Hi {split}", "Joey", "joy", "positive", 0, n, 1, 1, *times, f"Hola {split} {n}"]
            for n in range(2)
        ]
        write_rows(root / f"complete_df/mmeld_es_{split}.csv", [header, *rows])


def emobox(root, *, num_folds=3, dataset="savee"):
    """Write manifests of EmoBox and the clips, one speaker more than folds, and return the folder."""
    speakers = ("JE", "KL", "DC", "JK")
    rows = [
        {"key": f"{dataset}-{one}-{code}01", "wav": f"downloads/{dataset}/{one}_{code}01.wav", "emo": code}
        for one in speakers
        for code in ("a", "h", "sa")
    ]
    folder = root / "data" / dataset
    for fold in range(1, num_folds + 1):
        test = {speakers[fold - 1], *(speakers[3:] if fold == num_folds else ())}
        for split in ("train", "test"):
            own = [row for row in rows if (row["key"].split("-")[1] in test) == (split == "test")]
            path = folder / f"fold_{fold}" / f"{dataset}_{split}_fold_{fold}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(map(json.dumps, own)) + "\n", encoding="utf-8")
    (folder / "label_map.json").write_text(
        json.dumps({"a": "Angry", "H": "Happy", "sa": "Sad"}), encoding="utf-8"
    )
    touch(root, *(row["wav"] for row in rows))
    return folder
