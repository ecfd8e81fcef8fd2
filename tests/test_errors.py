import pickle

from pathcall.errors import MAX_PART, InputError


def test_a_line_stays_short_whatever_the_file_holds():
    error = InputError("wrong " + "x" * 10**6, where="a.tsv, value " + "y" * 10**6, fix="mend it")
    what, where, fix = error.line().split(" — ")
    assert what.startswith("error: wrong xxx")
    assert where.startswith("a.tsv, value yyy")
    assert fix == "mend it"
    assert max(len(what), len(where)) <= MAX_PART
    short = InputError("x" * MAX_PART, where="y", fix="z")
    assert "…" not in short.line()


def test_an_error_survives_a_process_pool():
    error = pickle.loads(pickle.dumps(InputError("what", where="where", fix="fix")))
    assert error.line() == "error: what — where — fix"
