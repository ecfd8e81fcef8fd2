"""Write the reference documentation that stands in the code: tables, config, config schema.

python tools/generate_docs.py

``tests/repository/test_docs.py`` fails when a generated file is not what this writes.
"""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pathcall import tables
from pathcall.files import write_atomic
from pathcall.study.config import Config

ROOT = Path(__file__).resolve().parents[1]

OUTPUTS_HEAD = """\
# Outputs

<!-- Generated from src/pathcall/tables/ by `make docs`. -->

Everything is in `results/{study}/`. Tables are TSV: UTF-8, a header, `NA` for missing, floats in
the shortest form that reads back to the same double, rows in a stable order. They are
byte-identical between runs and for any number of cores. Text is written as it is: a sample's title
or a gene id that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, so import the
tables of a study that you do not trust as text (Data > From Text), or read them with R or Python.

| file | content |
|---|---|
| `report.html` | the report: one file, no external request ([docs/report.md](report.md)) |
| `counts.h5ad` | AnnData, samples × genes, raw integer counts; `var` describes the genes |
| `models/{model}.h5ad` | a fitted model: counts, VST values, design, contrasts |
| `provenance/config.yaml` | the effective config, defaults included |
| `provenance/methods.md` | a Methods section with citations, written from what was run |
| `figures/*.svg` | figures of the report, for `snakemake --report` |
| `{study}.zip` | one file to send: the page and all that it links to, but models \
and logs; the same bytes on every run |
| `tables.xlsx` | calls, evidence, quality and provenance as one workbook; text stays text |
| `qc/pathcall_samples_mqc.tsv`, `qc/pathcall_calls_mqc.tsv` | samples and calls for \
MultiQC, which finds them by their names |
| `inputs/metadata.json`, `inputs/source.json` | which files were fetched, what they \
are, why a source was passed over |
| `draft/samples.tsv`, `mirror/` | only on demand: a drafted sample sheet, the study's \
downloads as a mirror ([docs/downloads.md](downloads.md)) |
| `logs/*.log` | one log a job; the log of a job that failed ends with its `error:` line |

## Tables

`{contrast}` is a row of the contrasts table, `{model}` a key of `models`. log2 fold changes are
test over reference.

"""

CONFIG_HEAD = """\
# Configuration

<!-- Generated from src/pathcall/study/config.py by `make docs`. -->

One YAML file; `config/config.yaml` is a commented example. Every key is optional but `study`,
`samples`, `models` and `contrasts`; an unknown key is an error. An editor that knows JSON schemas
can check the file while it is written: [config/config.schema.json](../config/config.schema.json).

`--configfile FILE [FILE …]` replaces the default config. Several files stand after one
`--configfile`, and a later one overrides the keys of an earlier one: `--configfile
config/config.yaml mirror.yaml`. `--config key=value` alone changes the default study.

"""


def generated() -> dict[Path, str]:
    """Return every generated file's path and text."""
    return {
        ROOT / "docs" / "outputs.md": outputs_markdown(),
        ROOT / "docs" / "config.md": config_markdown(),
        ROOT / "config" / "config.schema.json": config_schema(),
    }


def outputs_markdown() -> str:
    """Return the reference of all output tables, in the order of the data's way."""
    return OUTPUTS_HEAD + "\n".join(tables.describe(schema) for schema in tables.SCHEMAS)


def config_markdown() -> str:
    """Return the reference of all config keys, section by section."""
    return CONFIG_HEAD + "\n".join(_sections(Config, ""))


def config_schema() -> str:
    """Return the JSON schema of the config."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _sections(model: type[BaseModel], prefix: str) -> list[str]:
    heading = f"## `{prefix}`" if prefix else "## Top level"
    lines = [heading, "", _one_line(model.__doc__ or ""), ""]
    lines += ["| key | values | default | meaning |", "|---|---|---|---|"]
    inner: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        cells = (f"`{name}`", _values(field), _default(field), _one_line(field.description or ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        section = _section_of(field.annotation)
        if section is not None:
            key = f"{prefix}.{name}" if prefix else name
            is_map = typing.get_origin(field.annotation) is dict
            inner.append((section, f"{key}.NAME" if is_map else key))
    text = "\n".join(lines) + "\n"
    return [text, *(part for section, key in inner for part in _sections(section, key))]


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, also as the values of a mapping."""
    candidates = [annotation, *typing.get_args(annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _values(field: FieldInfo) -> str:
    text = _type_name(field.annotation)
    bounds = []
    for constraint in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            value = getattr(constraint, name, None)
            if value is not None:
                bounds.append(f"{sign} {value}")
        pattern = getattr(constraint, "pattern", None)
        if pattern is not None:
            bounds.append(f"`{pattern}`")
    return ", ".join([text, *bounds])


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_name(argument) for argument in arguments)
    if origin is typing.Annotated:
        return _type_name(arguments[0])
    if origin is list:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"map of name to {_type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    names = {
        str: "text", int: "integer", float: "number", bool: "`true`, `false`", type(None): "`null`"
    }  # fmt: skip
    return names[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    for path, text in generated().items():
        write_atomic(text, path)
        print(path.relative_to(ROOT))
