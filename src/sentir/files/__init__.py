"""Files on disk, before they are a corpus: folders, archives, media files, tables and their cells."""
