"""M-MELD: the dialogues of MELD with subtitles in Spanish, French or Greek.

Layout of ``mmeld_data.zip``: https://github.com/Sreyan88/M-MELD (https://arxiv.org/abs/2203.16799); the paper
also has Polish, the archive does not. Each language has only those rows of MELD that were aligned: in Spanish
6,937, 1,064 and 2,062. The columns are those of MELD and one of the translated texts. About 15% of the Spanish
texts were decoded with a wrong encoding ("SÃ³lo"), which the cleaning step ``repair_encoding`` repairs.
"""

from __future__ import annotations

from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS, Issue
from sentir.readers.counts import check_counts
from sentir.readers.meld.reader import LABEL_SPACES, read_split
from sentir.readers.texts.files import find_files
from sentir.recipe import DataSettings, MmeldSettings

PUBLISHED_COUNTS = {
    "es": (6937, 1064, 2062),
    "fr": (6537, 964, 2198),
    "el": (9003, 1062, 2366),
}
_COLUMNS = {"es": "spanish_text", "fr": "french_text", "el": "greek_text"}
_CODES = {"es": "es", "fr": "fr", "el": "gr"}  # in the names of files


def read(root: Path, data: DataSettings) -> Corpus:
    """Read the tables of one language, with the tasks ``emotion`` and ``sentiment`` of MELD.

    Args:
        root: folder at or above the tables, or the archive with them.
        data: the recipe's section; ``data.mmeld.language`` is es, fr or el. Clips are not attached.

    Raises:
        CorpusError: if a table is missing or is not as published.
    """
    language = data.settings_of(MmeldSettings).language
    issues: list[Issue] = []
    episodes: dict[str, str] = {}
    names = [f"mmeld_{_CODES[language]}_{split}.csv" for split in SPLITS]
    utterances = [
        u
        for split, path in zip(SPLITS, find_files(root, names), strict=True)
        for u in read_split(
            path, f"mmeld-{language}/{split}", split, episodes, issues, text_column=_COLUMNS[language]
        )
    ]
    published = dict(zip(SPLITS, PUBLISHED_COUNTS[language], strict=True))
    issues += check_counts(utterances, published, f"mmeld_{_CODES[language]}_{{}}.csv")
    groups = {"episode": episodes} if episodes else {}
    return Corpus.build(f"mmeld-{language}", utterances, LABEL_SPACES, issues=issues, groups=groups)
