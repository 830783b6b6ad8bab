"""TESS: two Canadian women say 200 words ("Say the word …") in seven emotions.

File names and emotions (``ps`` is pleasant surprise), 2,800 clips: https://doi.org/10.5683/SP2/E8H2MF. With two
speakers no split into three is independent of the speaker, and EmoBox's has both in train and test; the split
here is random by word, of our own. One file lacks a letter, ``OA_bite_neutral`` (seen in many listings of the
corpus); it is read as OAF's. Kaggle's data set has a second copy of every clip, which is ignored (unverified).
"""

from __future__ import annotations

import re
from functools import partial

from sentir.readers.clips.layout import ClipLayout, read_clips

LAYOUT = ClipLayout(
    name="tess",
    pattern=re.compile(
        r"(?P<speaker>OAF?|YAF)_(?P<word>[^_]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)"
    ),
    example="OAF_back_angry.wav",
    emotions={
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "joy",
        "neutral": "neutral",
        "ps": "surprise",
        "sad": "sadness",
    },
    published=2800,
    unit="word",
    speakers={"OA": "OAF"},
    slices={"age": ("speaker", {"OA": "64", "OAF": "64", "YAF": "26"})},
)

read = partial(read_clips, LAYOUT)
