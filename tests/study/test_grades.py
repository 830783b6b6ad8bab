"""A corpus of grade D or E is studied only if it is accepted; a study on dev needs no test split."""

import pytest
from tiny_corpora import tiny_corpus

from sentir.audit import describe_grade
from sentir.errors import CorpusError
from sentir.evaluation.locked.ledger import list_openings
from sentir.evaluation.locked.redraws import record_redraw
from sentir.report.markdown import render_markdown
from sentir.study import run


def without(*splits):
    def change(u):
        return u if u.split not in splits else type(u)(**{**fields(u), "split": "train"})

    return tiny_corpus(change)


def fields(u):
    return {name: getattr(u, name) for name in u.__dataclass_fields__}


def test_a_corpus_with_a_low_grade_is_rejected_before_training(use_corpus, recipe, counts, tmp_path):
    use_corpus()
    with pytest.raises(CorpusError, match=r"gives the corpus 'tiny' grade D \(.*\); .* --accept-grade") as caught:
        run.run_study([recipe()], root=tmp_path, out=tmp_path / "out")
    assert "\n" not in str(caught.value) and not counts


def test_an_accepted_low_grade_is_logged_and_reported(first_run, recipe, use_corpus, study, monkeypatch):
    (card,) = first_run.report.corpora
    assert card.grade == "D" and f"Grade D: {describe_grade('D')}" in render_markdown(first_run.report)
    page = (first_run.out / "report.html").read_text(encoding="utf-8")
    assert page.count('class="warning">Grade D') == 1 and page.count('class="warning">Nota D') == 1
    logged = []
    monkeypatch.setattr("sentir.logs.logger.warning", logged.append)
    monkeypatch.setattr("sentir.logs.logger.info", logged.append)
    study(recipe(tasks=["emotion"], candidates={}, test=False))
    assert logged[0].startswith("tiny: the audit gives grade D")


def test_a_study_on_dev_needs_no_test_split(use_corpus, recipe, study, corpus):
    without_test = without("test")
    assert not without_test.test
    use_corpus(without_test)
    on_dev = recipe(tasks=["emotion"], candidates={}, test=False)
    report = study(on_dev)
    assert {row.split for row in report.scores} == {"dev"} and report.openings == ()
    with pytest.raises(CorpusError, match="fewer than 2 dialogues in test"):
        study(recipe(tasks=["emotion"], candidates={}))


def test_reports_count_discarded_test_splits_and_evaluations_on_them(use_corpus, recipe, study, corpus):
    study(recipe(tasks=["emotion"], candidates={}))
    assert len(list_openings(corpus)) == 1
    moved = {"train": "test", "test": "train", "dev": "dev"}
    other = tiny_corpus(lambda u: type(u)(**{**fields(u), "split": moved[u.split]}))
    record_redraw(corpus, other, seeds=(0, 4), reason="labels were repaired")
    use_corpus(other)
    report = study(recipe(tasks=["emotion"], candidates={}, test=False))
    (found,) = report.redraws
    assert (found.seeds, found.openings, found.discarded) == ((0, 4), 1, corpus.test_fingerprint)
    text = render_markdown(report)
    assert "redrawn, as recorded next to the ledger: 1; evaluations on them: 1." in text
    assert "seed 0 to 4: labels were repaired (evaluated before: 1)" in text


def test_a_stacking_model_needs_no_test_split(use_corpus, recipe, study):
    use_corpus(without("test"))
    stacked = {"model": {"features": ["stacked"], "stacked": {"folds": 2}}}
    report = study(recipe(tasks=["emotion"], candidates={"stacked": stacked}, test=False))
    assert {row.model for row in report.scores} == {"majority", "bag of words", "stacked"}
