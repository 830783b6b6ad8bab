"""One clip of each of EmoBox's 32 corpora, as its manifests name it: folds, key, file, codes, and who speaks."""

import json

import pytest
from corpus_trees import touch

from sentir.readers import read_corpus
from sentir.readers.emobox.manifests import list_folds
from sentir.recipe import DataSettings

# corpus, folds, key without the corpus, file below downloads/<corpus>, code and its name in the label map, the
# label, the speaker of the key. Corpora of `WITH_DEV` have a dev split; PAVOQUE's clips are parts of one file.
CLIPS = """
aesdd|1|a03-3|anger/a03 (3).wav|a|Angry|anger|3
ased|1|a5-06-02-02-45|05Angry/a5-06-02-02-45.wav|a|Angry|anger|45
asvpesd|1|03-01-09-01-23-112-02-02-02-02|Audio/actor_112/03-01-09-01-23-112-02-02-02-02.wav|09|Excited|excitement|112
cafe|3|12-P-2-5|CaFE_48k/Peur/Fort/12-P-2-5.wav|p|Fear|fear|12
casia|4|239-zhaozuoxiang-neutral|zhaozuoxiang/neutral/239.wav|neutral|Neutral|neutral|zhaozuoxiang
cremad|1|1074-IWL-ANG-XX|AudioWAV/1074_IWL_ANG_XX.wav|ANG|Angry|anger|1074
emns|1|recorded_audio_RF6OuQ4|cleaned_webm/recorded_audio_RF6OuQ4.webm|Disgust|Disgust|disgust|
emodb|5|03a01Wa|wav/03a01Wa.wav|anger|Angry|anger|03
emovdb|1|jenie-Amused-0089|jenie_Amused/amused_85-94_0089.wav|Amused|Amused|amusement|jenie
emovo|6|pau-m3-d2|m3/pau-m3-d2.wav|pau|Fear|fear|m3
emozionalmente|1|1613655062436|audio/1613655062436.wav|neutrality|Neutral|neutral|
enterface|1|s19_an_1.avi|subject 19/anger/sentence 1/s19_an_1.avi|an|Angry|anger|s19
esd|5|0005-000001|0005/Neutral/0005_000001.wav|Neutral|Neutral|neutral|0005
iemocap|5|Ses02F_impro07_F001|Session2/sentences/wav/Ses02F_impro07/Ses02F_impro07_F001.wav|exc|Happy|joy|Ses02F
jlcorpus|4|male2-concerned-6b-1|JL(wav+txt)/male2_concerned_6b_1.wav|concerned|Concerned|concerned|male2
m3ed|1|bianchengnidenayitian_1_1|modality_speech/A_bianchengnidenayitian_1_1.wav|Anger|Angry|anger|
mead|1|W019-neutral-level-1-020|W019/audio/neutral/level_1/020.m4a|neutral|Neutral|neutral|W019
meld|1|dia0_utt0-train|train/train_splits/dia0_utt0.mp4|neutral|Neutral|neutral|
mer2023|1|sample_00002721|mer2023train/train/sample_00002721.avi|neutral|Neutral|neutral|
mesd|1|Anger_F_A_tarde|Mexican Emotional Speech Database (MESD)/Anger_F_A_tarde.wav|Anger|Angry|anger|
msppodcast|1|MSP-PODCAST_0002_0033|Audio/MSP-PODCAST_0002_0033.wav|N|Neutral|neutral|
oreau|1|10a02Ja|OréauFR_02/f/sessj/10a02Ja.wav|J|Happy|joy|10
pavoque|1|poker_n0010-poker|pavoque-poker.flac|poker|Poker|poker|
polish|5|m2.n_podaj_2|m2.n_podaj_2.wav|n|Neutral|neutral|m2
ravdess|6|03-01-05-01-02-01-18|audio/Audio_Speech_Actors_01-24/Actor_18/03-01-05-01-02-01-18.wav|Angry|Angry|anger|18
resd|1|32_happiness_enthusiasm_h_120.wav|train/32_happiness_enthusiasm_h_120.wav|happiness|Happy|joy|
savee|4|KL-su02|KL_su02.wav|su|Surprise|surprise|KL
shemo|1|F02S05|female/F02S05.wav|sad|Sad|sadness|F02
subesco|5|F_10_FAHMEE_S_6_FEAR_5|F_10_FAHMEE_S_6_FEAR_5.wav|fear|Fear|fear|F_10
tess|1|YAF-tire-fear|YAF_tire_fear.wav|fear|Fear|fear|YAF
turevdb|1|1984_sk_dil.wav|Sound Source/Calm/1984_sk_dil.wav|Calm|Calm|calm|1984
urdu|1|SM20_F8_N012|Neutral/SM20_F8_N012.wav|N|Neutral|neutral|SM20
"""
WITH_DEV, WITH_TIMES = ("m3ed", "meld", "msppodcast"), {"pavoque": (0.0, 4.46)}
FACTS = [tuple(line.split("|")) for line in CLIPS.strip().splitlines()]


def _write_manifests(root, dataset, num_folds, row, names):
    """Write the clip and one other into train, and others into test and, where EmoBox has one, dev."""
    folder = root / "data" / dataset
    others = {name: row | {"key": f"{dataset}-{name}"} for name in ("train", "test", "valid")}
    splits = ("train", "test", *(("valid",) if dataset in WITH_DEV else ()))
    for fold in range(1, num_folds + 1):
        (folder / f"fold_{fold}").mkdir(parents=True)
        for split in splits:
            rows = [row, others[split]] if split == "train" else [others[split]]
            path = folder / f"fold_{fold}" / f"{dataset}_{split}_fold_{fold}.jsonl"
            path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "label_map.json").write_text(json.dumps(names), encoding="utf-8")
    touch(root, row["wav"])
    return folder


def test_all_32_corpora_are_here():
    assert len({fact[0] for fact in FACTS}) == 32


@pytest.mark.parametrize("fact", FACTS, ids=[fact[0] for fact in FACTS])
def test_a_clip_has_its_file_label_and_speaker(fact, tmp_path):
    dataset, num_folds, key, file, code, name, label, speaker = fact
    start, end = WITH_TIMES.get(dataset, (None, None))
    times = {} if start is None else {"start_time": start, "end_time": end}
    row = {"key": f"{dataset}-{key}", "dataset": dataset, "wav": f"downloads/{dataset}/{file}", "emo": code}
    folder = _write_manifests(tmp_path, dataset, int(num_folds), row | times, {code: name})
    assert list_folds(folder) == list(range(1, int(num_folds) + 1))
    corpus = read_corpus(DataSettings(reader="emobox", emobox={"fold": int(num_folds)}), tmp_path)
    u = corpus.find(f"{dataset}-{key}")
    assert (u.labels["emotion"], u.speaker or "") == ((label,), speaker)
    assert (u.clip.path, u.clip.start, u.clip.end) == (tmp_path / row["wav"], start, end)
    kinds = {issue.kind for issue in corpus.issues}
    assert "audio_file_missing" not in kinds and ("split_generated" in kinds) is (dataset not in WITH_DEV)
