"""Tables of a user's own: CSV, TSV, Excel, Parquet, JSON or a Hugging Face data set → `Corpus`."""
