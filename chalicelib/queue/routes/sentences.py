"""What a family reads of its place: moves, reasons and forecasts in words."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.edge.texts import LANGUAGES, counted, text
from chalicelib.kernel.periods import from_stamp, local
from chalicelib.queue.rules import Causes, Forecast, Moves, NotThere
from chalicelib.queue.rules.forecast import MONTHS_LEAST


def cause_text(cause: str, count: int, language: str) -> str:
    """Return one cause with how many places it made, in words."""
    return text(f"place:queue/cause-{cause}", language, {"count": abs(count)})


def causes_text(causes: Causes, language: str) -> str:
    """Return all causes in one line; those that made most places first."""
    ordered = sorted(causes, key=lambda one: (-abs(one[1]), one[0]))
    return "; ".join(cause_text(cause, count, language) for cause, count in ordered)


def causes_said(causes: Causes) -> Mapping[str, str]:
    """Return all causes in one line in each language, as a notice takes them."""
    return {language: causes_text(causes, language) for language in LANGUAGES}


def move_text(place: int, moves: Moves | None, language: str) -> str:
    """Return a move in one sentence with its causes; moves: None at the first checkpoint."""
    if moves is None:
        return text("place:queue/moves-entered", language, {"place": place})
    facts: dict[str, object] = {"before": moves.before, "place": moves.now}
    way = moves.now - moves.before
    facts["places"] = counted("place:queue/places", language, way)
    said = "same" if way == 0 else "worse" if way > 0 else "better"
    sentence = text(f"place:queue/moves-{said}", language, facts)
    if not moves.causes:
        return sentence
    causes = {"causes": causes_text(moves.causes, language)}
    return sentence + text("place:queue/moves-causes", language, causes)


def reason_text(one: NotThere, language: str, *, held: bool = False) -> str:
    """Return in a sentence why a preferred group was not given; held: to who has another place."""
    if held and one.why == "taken":
        return text("place:queue/not-there-taken-held", language)
    if one.why != "full":
        return text(f"place:queue/not-there-{one.why}", language)
    ending: str = one.last or "nobody"
    if ending == "line":
        ending = ("hidden", "line")[len(one.categories)] if len(one.categories) < 2 else "cell"
    at = local(from_stamp(one.applied_at)).strftime("%d.%m.%Y %H:%M") if one.applied_at else ""
    # Categories that are shown together are neighbours.
    ends = dict.fromkeys((one.categories[0], one.categories[-1]) if one.categories else ())
    facts = {"category": "–".join(str(end) for end in ends), "applied_at": at}
    return text(f"place:queue/not-there-full-{ending}", language, facts)


def forecast_text(forecast: Forecast, language: str) -> str:
    """Return in a sentence when a voucher may be expected, or why nobody can say."""
    if forecast.month is None:
        facts = {"count": forecast.months, "least": MONTHS_LEAST}
        return text(f"place:queue/forecast-{forecast.unknown}", language, facts)
    facts_of_months = {
        "month": _month(forecast.month),
        "early": _month(forecast.early),
        "late": _month(forecast.late),
    }
    return counted("place:queue/forecast", language, forecast.months, facts_of_months)


def _month(month: str | None) -> str:
    """Return YYYY-MM as people write it here: MM.YYYY."""
    return f"{month[5:]}.{month[:4]}" if month else ""
