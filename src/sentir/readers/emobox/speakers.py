"""The speakers of EmoBox's corpora, which its manifests leave out, from its keys.

The rules give the same speakers as the field ``spk`` of EmoBox's ``data.seg.wrd.stm`` files, except in two
corpora: AESDD, where it has speaker 1 also as 01, and IEMOCAP, where it is the name of the recording, which both
speakers of a session share. The corpora that are not listed have no speaker in their keys, or only one.
"""

from __future__ import annotations

import re

_SPEAKERS = {
    "aesdd": r"-0*(\d+)[a-z]?$",
    "ased": r"(\d+)$",
    "asvpesd": r"^asvpesd(?:-\d+){5}-(\d+)",
    "cafe": r"^cafe-(\d\d)-",
    "casia": r"^casia-\d+-(\w+)-",
    "cremad": r"^cremad-(\d{4})-",
    "emodb": r"^emodb-(\d\d)",
    "emovdb": r"^emovdb-(\w+)-",
    "emovo": r"-([fm]\d)-",
    "enterface": r"^enterface-(s\d*)_",
    "esd": r"^esd-(\d{4})-",
    "iemocap": r"(Ses\d\d)[FM]_.*_([FM])\d+$",
    "jlcorpus": r"^jlcorpus-((?:fe)?male\d)-",
    "mead": r"^mead-([MW]\d+)-",
    "oreau": r"^oreau-(\d\d)",
    "polish": r"^polish-(\w\d)\.",
    "ravdess": r"-(\d\d)$",
    "savee": r"^savee-([A-Z]{2})-",
    "shemo": r"^shemo-([FM]\d+)[A-Z]",
    "subesco": r"^subesco-([FM]_\d\d)_",
    "tess": r"^tess-(OAF|YAF)-",
    "turevdb": r"^turevdb-(\d+)_",
    "urdu": r"^urdu-(S[FM]\d+)_",
}


def find_speaker(dataset: str, key: str) -> str | None:
    """Return the speaker of a clip, by EmoBox's name of the corpus and key; ``None`` if the key has none."""
    match = re.search(_SPEAKERS[dataset], key) if dataset in _SPEAKERS else None
    return "".join(match.groups()) if match else None
