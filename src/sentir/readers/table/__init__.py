"""User tables: CSV, TSV, Excel, Parquet, JSON Lines or a Hugging Face data set → `Corpus`."""
