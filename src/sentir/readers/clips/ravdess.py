"""RAVDESS: 24 actors say two sentences in eight emotions; only the 1,440 clips of audio-only speech are read.

File names, emotions, genders (odd actors are male) and counts: https://zenodo.org/records/1188976. The six folds
of EmoBox: https://github.com/emo-box/EmoBox, ``data/ravdess``. There is no official split: actors 17-20 are dev
and 21-24 test. In the Kaggle data set every clip exists twice; one copy is read (unverified by the authors).
"""

from __future__ import annotations

import re
from functools import partial

from sentir.readers.clips.layout import ClipLayout, read_clips

_ACTORS = [f"{n:02}" for n in range(1, 25)]

LAYOUT = ClipLayout(
    name="ravdess",
    pattern=re.compile(
        r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<sentence>0[12])-0[12]"
        r"-(?P<speaker>0[1-9]|1[0-9]|2[0-4])"
    ),
    example="03-01-06-01-02-01-12.wav",
    emotions={
        "01": "neutral",
        "02": "calm",
        "03": "joy",
        "04": "sadness",
        "05": "anger",
        "06": "fear",
        "07": "disgust",
        "08": "surprise",
    },
    published=1440,
    dev=("actor17", "actor18", "actor19", "actor20"),
    test=("actor21", "actor22", "actor23", "actor24"),
    speakers={code: f"actor{code}" for code in _ACTORS},
    slices={
        "gender": ("speaker", {code: "male" if int(code) % 2 else "female" for code in _ACTORS}),
        "intensity": ("intensity", {"01": "normal", "02": "strong"}),
    },
    folds=(
        ("actor01", "actor11", "actor20", "actor21"),
        ("actor04", "actor10", "actor12", "actor14"),
        ("actor08", "actor09", "actor19", "actor23"),
        ("actor03", "actor05", "actor07", "actor24"),
        ("actor02", "actor15", "actor16", "actor18"),
        ("actor06", "actor13", "actor17", "actor22"),
    ),
)

read = partial(read_clips, LAYOUT)
