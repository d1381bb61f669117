"""Half a surrogate pair is JSON's, but no text of ours."""

from __future__ import annotations

import pytest

from chalicelib.edge import body


@pytest.mark.parametrize("raw", [rb'"\ud800"', rb'{"a": ["x\udfffy"]}', rb'{"\udead": 1}'])
def test_half_a_surrogate_pair_is_refused(raw: bytes) -> None:
    with pytest.raises(body.NotJson) as refused:
        body.parsed(raw)

    assert refused.value.facts == {"problem": "charset"}


def test_whole_pairs_and_other_escapes_are_read() -> None:
    assert body.parsed(rb'["\ud83d\ude00", "\u04d9", "\\ud800"]') == ["😀", "ә", "\\ud800"]
