"""EmoDB, the Berlin Database of Emotional Speech: ten actors say ten German sentences in seven emotions.

File names, emotions, speakers and genders: http://emodb.bilderbar.info/index-1280.html; 535 clips as in
https://github.com/emo-box/EmoBox. There is no official split, and the five folds of EmoBox have every speaker in
every fold. The folds here are five pairs of a man and a woman, of our own.
"""

from __future__ import annotations

import re
from functools import partial

from sentir.readers.clips.layout import ClipLayout, read_clips

LAYOUT = ClipLayout(
    name="emodb",
    pattern=re.compile(
        r"(?P<speaker>03|08|09|1[0-6])(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<version>[a-z]?)"
    ),
    example="03a01Wa.wav",
    emotions={
        "W": "anger",
        "L": "boredom",
        "E": "disgust",
        "A": "fear",
        "F": "joy",
        "T": "sadness",
        "N": "neutral",
    },
    published=535,
    dev=("12", "14"),
    test=("15", "16"),
    slices={
        "gender": (
            "speaker",
            dict.fromkeys(("03", "10", "11", "12", "15"), "male")
            | dict.fromkeys(("08", "09", "13", "14", "16"), "female"),
        )
    },
    folds=(("15", "16"), ("12", "14"), ("03", "08"), ("10", "09"), ("11", "13")),
)

read = partial(read_clips, LAYOUT)
