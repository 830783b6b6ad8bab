"""SAVEE: four British men say 120 sentences each, in seven emotions.

File names and emotions: ``Info.txt`` of the corpus, as in its Kaggle copy; both ``AudioData/DC/a01.wav`` and
Kaggle's ``ALL/DC_a01.wav`` are read. 480 clips and the four folds, one speaker each:
https://github.com/emo-box/EmoBox, ``data/savee``. There is no official split: EmoBox's first fold is test and its
second dev. Sentences recur across speakers and emotions.
"""

from __future__ import annotations

import re
from functools import partial

from sentir.readers.clips.layout import ClipLayout, read_clips

_SPEAKERS = ("JE", "KL", "DC", "JK")

LAYOUT = ClipLayout(
    name="savee",
    pattern=re.compile(r"(?P<speaker>DC|JE|JK|KL)[_/](?P<emotion>sa|su|[adfhn])(?P<sentence>\d\d)"),
    example="DC/a01.wav",
    emotions={
        "a": "anger",
        "d": "disgust",
        "f": "fear",
        "h": "joy",
        "n": "neutral",
        "sa": "sadness",
        "su": "surprise",
    },
    published=480,
    dev=("KL",),
    test=("JE",),
    slices={"gender": ("speaker", dict.fromkeys(_SPEAKERS, "male"))},
    folds=tuple((speaker,) for speaker in _SPEAKERS),
)

read = partial(read_clips, LAYOUT)
