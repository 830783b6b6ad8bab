import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from sentir import figures
from sentir.audit import Histogram
from sentir.corpus.label_spaces import MultiLabelSpace, SingleLabelSpace
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.metrics.ranking import compute_ranking_curves
from sentir.evaluation.results import LabelScore
from sentir.i18n import format_count
from sentir.report.alt_text import (
    describe_confusion_matrix,
    describe_histogram,
    describe_label_distribution,
    describe_learning_curves,
)
from sentir.report.figures import (
    plot_confusion_matrix,
    plot_histogram,
    plot_label_distribution,
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_roc_curves,
)
from sentir.report.study_report import LearningCurve
from sentir.report.svg import figure_to_svg
from sentir.safe_text import make_printable, to_single_line


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


@pytest.fixture
def scores(make_report):
    return next(row for row in make_report().scores if row.role == "selected")


def test_the_confusion_figure_shows_every_count_and_shades_by_row(scores):
    figure = plot_confusion_matrix(replace(scores, confusion_matrix=((30, 10, 0), (1, 2, 1), (0, 0, 0))))
    shown = texts(figure_to_svg(figure, id_prefix="c", title="t"))
    assert [text for text in shown if text.isdigit()] == ["30", "10", "0", "1", "2", "1", "0", "0", "0"]
    assert {"anger", "joy", "neutral", "true", "predicted"} <= set(shown)
    shades = [patch.get_alpha() for patch in figure.axes[0].patches]
    assert shades[0] > shades[4] > shades[1] > shades[2] == shades[8]


def test_scores_without_a_confusion_matrix_cannot_be_drawn(scores):
    with pytest.raises(ValueError, match="gru has no confusion matrix"):
        plot_confusion_matrix(replace(scores, confusion_matrix=None))


def test_the_learning_curves_have_a_line_and_a_selected_epoch_per_training(make_report):
    curves = [c for c in make_report().learning_curves if (c.corpus, c.task) == ("meld", "emotion")]
    figure = plot_learning_curves(curves, "weighted_f1", selected="gru")
    lines = figure.axes[0].lines
    trainings = [line for line in lines if line.get_marker() in ("None", None, "")]
    selected = [line for line in lines if line.get_marker() == "o"]
    assert len(trainings) == len(selected) == len(curves) == 6
    assert all(line.get_xydata().tolist() == [[2.0, pytest.approx(0.2)]] for line in selected)
    shown = texts(figure_to_svg(figure, id_prefix="c", title="t"))
    assert {"gru (best on dev)", "plain", "epoch", "weighted F1 on dev"} <= set(shown)


def test_seeds_share_a_color_and_models_do_not():
    points = ({"epoch": 1.0, "loss": 1.0, "score": 0.5},)
    curves = [LearningCurve("c", "t", f"m{k}", seed, points, 1.0) for k in range(20) for seed in (0, 1)]
    lines = plot_learning_curves(curves, "accuracy").axes[0].lines[::2]
    styles = [(line.get_color(), line.get_linestyle()) for line in lines]
    assert styles[::2] == styles[1::2] and len(set(styles)) == 20


def test_the_label_figure_draws_shares_and_writes_counts(make_report):
    card = replace(
        make_report().corpora[0],
        splits={"train": {"utterances": 4000}, "dev": {"utterances": 100}},
        labels={"mood": {"train": {"calm": 1000, "my_label": 2000}, "dev": {"calm": 50}}},
    )
    figure = plot_label_distribution(card, "mood")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.25, 0.5, 0.5, 0.0]
    assert {"calm", "my label", "1\u202f000", "2\u202f000", "50", "0"} <= set(
        texts(figure_to_svg(figure, id_prefix="l", title="t"))
    )


def test_svg_ids_are_unique_the_text_color_is_that_of_the_page_and_nothing_is_loaded(scores, make_report):
    curves = make_report().learning_curves[:2]
    one, other = (
        figure_to_svg(plot_learning_curves(curves, "accuracy"), id_prefix=name, title="a <b>")
        for name in ("one", "other")
    )
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0] and ids[0].isdisjoint(ids[1])
    for svg, known in zip((one, other), ids, strict=True):
        assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) == known
        assert "currentColor" in svg and "#000000" not in svg
        assert "://" not in svg and "<style" not in svg and "font-family" not in svg
        root = ElementTree.fromstring(svg)
        assert (root.get("role"), root.get("aria-label"), root.findtext("title")) == ("img", "a <b>", "a <b>")
        assert "viewBox" in root.attrib and "width" not in root.attrib


@pytest.mark.parametrize("name", ["\x1b[31m", "a\x00b", "\ud800", "\u202ecba", "\uffff", "two\nlines"], ids=ascii)
def test_invalid_characters_in_names_break_no_figure(name, make_report):
    curve = replace(make_report().learning_curves[0], model=name)
    figure = figure_to_svg(
        plot_learning_curves([curve], "weighted_f1"), id_prefix="c", title=name, description=name
    )
    assert make_printable(figure) == figure and to_single_line(name) in texts(figure)


def test_dollar_signs_and_underscores_in_names_are_shown_literally(make_report):
    curves = [replace(make_report().learning_curves[0], model=model) for model in ("_hidden", "$x$", "a$b")]
    shown = texts(figure_to_svg(plot_learning_curves(curves, "accuracy"), id_prefix="c", title="t"))
    assert {"_hidden", "$x$", "a$b"} <= set(shown)


def test_plotting_does_not_touch_pyplot(scores):
    from matplotlib import pyplot

    figure_to_svg(plot_confusion_matrix(scores), id_prefix="c", title="t")
    assert pyplot.get_fignums() == []


def test_thousands_are_separated_by_a_thin_space():
    assert [format_count(n) for n in (999, 13708, 2.6)] == ["999", "13\u202f708", "3"]


def test_learning_curves_of_one_task_share_the_vertical_axis():
    low, high = (
        LearningCurve(
            "c",
            "t",
            name,
            0,
            tuple({"epoch": float(e), "loss": 1.0, "score": score + e / 100} for e in (1, 2)),
            2.0,
        )
        for name, score in (("low", 0.1), ("high", 0.8))
    )
    limits = {
        plot_learning_curves([curve], "accuracy", shared_axis_curves=[low, high]).axes[0].get_ylim()
        for curve in (low, high)
    }
    assert len(limits) == 1 and limits.pop() == plot_learning_curves([low, high], "accuracy").axes[0].get_ylim()
    assert plot_learning_curves([low], "accuracy").axes[0].get_ylim()[1] < 0.2


@pytest.fixture(scope="module")
def label_curves():
    rng = np.random.default_rng(0)
    truth, p = rng.integers(0, 3, 120), rng.dirichlet([1, 1, 1], 120)
    space = SingleLabelSpace("emotion", ("anger", "joy", "my_label"))
    return compute_ranking_curves(AlignedRuns(space, truth, [(p, None)], ()), model="m", corpus="c", split="dev")


def test_label_curves_have_a_line_per_label_and_their_area(label_curves):
    roc, precision = plot_roc_curves(label_curves), plot_precision_recall_curves(label_curves)
    lines = [line for line in roc.axes[0].lines if not line.get_label().startswith("_")]
    assert len(lines) == 3 and all(line.get_xydata()[0].tolist() == [0, 0] for line in lines)
    shown = texts(figure_to_svg(roc, id_prefix="r", title="t"))
    assert f"my label {label_curves[2].auc:.2f}" in shown and "false positive rate" in shown
    chance = [line.get_ydata()[0] for line in precision.axes[0].lines if line.get_label().startswith("_")]
    assert chance == [one.support / one.n for one in label_curves]
    assert f"joy {label_curves[1].average_precision:.2f}" in texts(
        figure_to_svg(precision, id_prefix="p", title="t")
    )


def test_plotting_no_curves_raises():
    with pytest.raises(ValueError, match="no label has a curve"):
        plot_roc_curves(())


def test_histograms_are_shares_of_a_split():
    histogram = Histogram("durations", "Length", "seconds", (0.0, 1.0, 2.0), {"train": (30, 10), "dev": (1, 1)})
    figure = plot_histogram(histogram)
    heights = [patch.get_data().values.tolist() for patch in figure.axes[0].patches[::2]]
    assert heights == [[0.75, 0.25], [0.5, 0.5]]
    assert describe_histogram(histogram).startswith("train: half of the utterances below 1 seconds")


def test_a_figure_with_a_description_refers_to_it(scores):
    svg = figure_to_svg(
        plot_confusion_matrix(scores), id_prefix="c", title="what", description=describe_confusion_matrix(scores)
    )
    root = ElementTree.fromstring(svg)
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert root.find("desc").get("id") == root.get("aria-describedby")
    assert root.findtext("desc").startswith("anger: 0 of 3 correct; joy: 11 of 33 correct")
    assert "neutral predicted as joy 21 times" in root.findtext("desc")


def test_learning_curves_and_label_counts_are_described_in_text(make_report):
    report = make_report()
    curves = [c for c in report.learning_curves if (c.corpus, c.task) == ("meld", "emotion")]
    assert (
        describe_learning_curves(curves, "weighted_f1")
        == "gru: best 0.300, in epoch 3; plain: best 0.300, in epoch 3"
    )
    assert (
        describe_label_distribution(report.corpora[0], "mood")
        == "train: calm 1205, my label 1205; dev: calm 1205, my label 1205"
    )


def test_every_public_figure_is_a_function():
    assert len(figures.__all__) == len(set(figures.__all__)) > 8
    assert all(callable(getattr(figures, name)) for name in figures.__all__)


LONG = ["a label " + "that goes on and on " * 12 + "to its end", "喜び" * 90, "very_long_" * 40, "joy"]


@pytest.mark.parametrize("count", [1, 2, 4, 30])
def test_long_names_leave_room_for_the_plot_without_warnings(count, scores, make_report, recwarn):
    names = [f"{LONG[n % 4]}{n}" for n in range(count)]
    rows = tuple(LabelScore(name, 9, {"f1": 0.5}) for name in names)
    counts = {"train": dict.fromkeys(names, 7), "dev": dict.fromkeys(names, 3)}
    card = replace(make_report().corpora[0], labels={"mood": counts})
    rng, space = np.random.default_rng(0), MultiLabelSpace("emotion", tuple(names))
    p = rng.uniform(size=(90, count))
    curves = compute_ranking_curves(
        AlignedRuns(space, (p > 0.5).astype(float), [(p, None)], ()), model="m", corpus="c", split="dev"
    )
    curve = make_report().learning_curves[0]
    for figure in (
        plot_confusion_matrix(replace(scores, per_label=rows, confusion_matrix=((1.0,) * count,) * count)),
        plot_label_distribution(card, "mood"),
        plot_roc_curves(curves),
        plot_precision_recall_curves(curves),
        plot_learning_curves([replace(curve, model=name) for name in names], "accuracy", selected=names[0]),
    ):
        svg = figure_to_svg(figure, id_prefix="f", title="t")
        assert max(len(text) for text in texts(svg)) < 60
        box = figure.axes[0].get_position()
        assert box.width > 0.25 and box.height > 0.12
    warnings = [str(one.message) for one in recwarn if issubclass(one.category, UserWarning)]
    assert [one for one in warnings if "missing from font" not in one] == [], (
        "an SVG uses the fonts of its reader"
    )


def test_a_long_name_is_shortened_in_the_middle(make_report):
    curve = replace(make_report().learning_curves[0], model=LONG[0])
    (name,) = (
        text
        for text in texts(figure_to_svg(plot_learning_curves([curve], "f1"), id_prefix="c", title="t"))
        if "…" in text
    )
    assert name.startswith("a label that") and name.endswith("end")
