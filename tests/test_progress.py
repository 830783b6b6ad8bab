"""Progress on standard error."""

from sentir.progress import say, show_progress, task


def test_names_in_brackets_are_printed_as_they_are(capsys):
    with show_progress(), task("[/b]", total=1) as advance:
        say("[x] wins over [/b]")
        advance(1)
    assert "[x] wins over [/b]" in capsys.readouterr().err


def test_nothing_is_printed_where_nobody_asked_for_progress(capsys):
    with task("[/b]", total=1) as advance:
        say("quiet")
        advance(1)
    assert capsys.readouterr() == ("", "")
