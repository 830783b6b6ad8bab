"""Getting corpora: what is offered where, and downloads that can be resumed and are checked."""
