"""What people read: codes in a text are said in words, programs get the codes."""

from __future__ import annotations

import pytest

from chalicelib.edge.texts import LANGUAGES, catalogue, text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("kk", "қол қоюды күтіп тұр"),
        ("ru", "ждёт подписи"),
        ("en", "waits for a signature"),
    ],
)
def test_a_code_that_has_a_word_is_said_by_it(language: str, said: str) -> None:
    facts = {"state": "calculated", "step": "release"}

    shown = text("payouts/not-now", language, facts)

    assert said in shown
    assert "calculated" not in shown
    assert facts == {"state": "calculated", "step": "release"}


def test_each_code_of_a_list_is_said() -> None:
    shown = text("payouts/reason-needed", "ru", {"reasons": ["wrong-sum", "other"]})

    assert "(сумма неверна, другая причина)" in shown


def test_a_role_is_said_as_the_office_is_called() -> None:
    shown = text("kezek/not-your-role", "kk", {"needs": ["finance", "no-such-role"]})

    assert "қаржы қызметкері, no-such-role" in shown


def test_a_word_of_one_slice_is_not_another_ones() -> None:
    key = next(
        k for k, said in catalogue().items() if k.startswith("app") and "{state}" in said["en"]
    )

    assert "(returned)" in text(key, "en", {"state": "returned"})


def test_a_notice_has_its_slices_words() -> None:
    shown = text("notice:payouts/claim-declined", "en", {"month": "2026-10", "reason": "other"})

    assert "another reason" in shown


def test_every_word_is_said_in_each_language() -> None:
    words = {key: said for key, said in catalogue().items() if key.startswith("word:")}

    assert words
    assert [key for key, said in words.items() if set(said) != set(LANGUAGES)] == []
