"""Write docs/reliability.md: ``PYTHONPATH=src:. python -m tests.reliability_table``."""

from benchmarks.guards import MARK

from tests.faults import DOC, document

if __name__ == "__main__":
    # The section on wrong data sets is benchmarks.guards': it is kept.
    _, mark, rest = DOC.read_text(encoding="utf-8").partition(MARK)
    DOC.write_text(document() + "\n" * bool(mark) + mark + rest, encoding="utf-8")
