"""Which level of a factor is its control, and which columns are times or doses, by their words."""

from __future__ import annotations

import re

# In the order of preference where a study has several: the matched vehicle before "untreated".
_TIERS = (
    "vehicle veh dmso etoh ethanol pbs saline water solvent mock sham placebo igg isotype scramble "
    "scrambled scr nontargeting ntc nt sictrl sicontrol sinc sint siscr sineg siluc shctrl "
    "shcontrol shnt shscr shluc shgfp sgctrl sgcontrol sgnt sgntc sglacz emptyvector ev gfp lacz",
    "control controls ctrl ctl ctr cntrl con wildtype wt parental parent",
    "untreated unt none no naive resting basal baseline unstimulated uninfected uninduced "
    "unexposed negative neg minus false off healthy normal normoxia unaffected nontumor nontumour "
    "zero",
)  # fmt: skip
_RANK = {word: tier for tier, words in enumerate(_TIERS) for word in words.split()}
# Words and units that change nothing about what a level is.
_FILLER_WORDS = (
    "h hr hrs hour hours d day days min mins minutes wk week weeks um nm mm m ug ng mg kg ml ul g "
    "v w x treatment treated treat cells cell sirna shrna sgrna grna rna group sample samples "
    "condition medium media only alone donor donors subject subjects tissue for with vol time t "
    "background mice mouse antibody"
)
_FILLER = frozenset(_FILLER_WORDS.split())
_PHRASES = (
    (re.compile(r"\b(?:no|non|not|un)[\s_-]*(?:treat(?:ed|ment)?|drug|stim(?:ulus|ulated|ulation)?|"
                r"infect(?:ed|ion)|induced|exposed)\b"), "untreated"),
    (re.compile(r"\bnon[\s_-]*targeting\b"), "nontargeting"),
    (re.compile(r"\bnon[\s_-]*tumou?r\w*\b"), "nontumor"),
    (re.compile(r"\bwild[\s_-]*type\b"), "wildtype"),
    (re.compile(r"\bempty[\s_-]*vector\b"), "emptyvector"),
    (re.compile(r"\b(?:si|sh|sg)[\s_-]*(?:rna)?[\s_-]*(?:control|ctrl|scramble[d]?|neg\w*|nt)\b"),
     "sictrl"),
    (re.compile(r"^[+]/[+]$"), "wildtype"),
    (re.compile(r"^-$"), "minus"),
)  # fmt: skip
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_ZERO = re.compile(
    r"(?:t|time|day|d|hour|h|week|wk|min)?[\s_-]*0+(?:\.0+)?[\s_-]*"
    r"(?:h|hrs?|hours?|d|days?|min|minutes|weeks?|wk|[munp]m|µm|ug|ng|mg|µg|/ml|%)?"
)
_TIME_LEVEL = re.compile(
    r"(?<![\d\s_-])(?:t|day|d|week|wk)?[\s_-]*\d+(?:\.\d+)?[\s_-]*"
    r"(?:h|hrs?|hours?|d|days?|min|mins|minutes|wk|weeks?)|(?:day|d|t|week|wk)[\s_-]*\d+"
)
_TIME_NAME = re.compile(r"time|hour|day|duration|\bhrs?\b|minutes", re.IGNORECASE)
_DOSE_NAME = re.compile(r"dose|dosage|concentration|\bconc\b|amount", re.IGNORECASE)


def control_rank(level: str) -> int | None:
    """How much a level is a control: 0 a matched vehicle, 1, 2 untreated; None: no control."""
    text = level.casefold().strip()
    if _ZERO.fullmatch(text):
        return 2
    for pattern, word in _PHRASES:
        text = pattern.sub(word, text)
    words = [w for w in _WORD.findall(text) if not w[0].isdigit() and w not in _FILLER]
    ranks = [_RANK.get(word) for word in words]
    if not ranks or None in ranks:
        return None
    return min(rank for rank in ranks if rank is not None)


def names_control(level: str) -> bool:
    """Whether a level ends in a control's word, as in ``SCC1_Control``."""
    words = _WORD.findall(level.casefold())
    return bool(words) and len(words[-1]) > 2 and _RANK.get(words[-1], 9) < 2


def is_time(name: str, levels: list[str]) -> bool:
    """Whether a column holds times: by its name, or by levels such as ``6h`` or ``day 3``."""
    if _TIME_NAME.search(name.replace("_", " ")) and any(c.isdigit() for c in "".join(levels)):
        return True
    return bool(levels) and all(_TIME_LEVEL.fullmatch(level.casefold()) for level in levels)


def is_dose(name: str) -> bool:
    """Whether a column holds doses, by its name."""
    return bool(_DOSE_NAME.search(name.replace("_", " ")))
