"""MESD: single words of Mexican Spanish in six emotions, by women, men and children.

File names: https://doi.org/10.17632/cy34mh68j9.5 and EmoBox's ``preprocess/scripts/mesd.py``; 862 clips:
https://github.com/emo-box/EmoBox. Names give the kind of voice but none of the eleven speakers, so neither
EmoBox's split nor this one, random by word and of our own, is independent of the speaker. The words of corpus B
belong to one emotion each, so texts would reveal the label.
"""

from __future__ import annotations

import re
from functools import partial

from sentir.readers.clips.layout import ClipLayout, read_clips

LAYOUT = ClipLayout(
    name="mesd",
    pattern=re.compile(
        r"(?P<emotion>Anger|Disgust|Fear|Happiness|Neutral|Sadness)_(?P<voice>[FMC])_(?P<words>[AB])_(?P<word>.+)"
    ),
    example="Anger_F_A_tarde.wav",
    emotions={
        "Anger": "anger",
        "Disgust": "disgust",
        "Fear": "fear",
        "Happiness": "joy",
        "Neutral": "neutral",
        "Sadness": "sadness",
    },
    published=862,
    unit="word",
    seed=46,
    slices={
        "voice": ("voice", {"F": "female", "M": "male", "C": "child"}),
        "words": ("words", {"A": "A", "B": "B"}),
    },
)

read = partial(read_clips, LAYOUT)
