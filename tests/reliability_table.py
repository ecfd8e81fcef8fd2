"""Write docs/reliability.md: ``PYTHONPATH=src:. python -m tests.reliability_table``."""

from tests.faults import DOC, document

if __name__ == "__main__":
    DOC.parent.mkdir(exist_ok=True)
    DOC.write_text(document(), encoding="utf-8")
