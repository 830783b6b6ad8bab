"""Reports of studies, audits, tunings and explanations: figures, HTML pages, Markdown and JSON."""
