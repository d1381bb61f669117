"""`kezek demo`: the whole preschool programme on an invented Taldykorgan, over HTTP.

stage.py      a local cloud of its own, its clock, tokens, many hands at once
sample.py     the sample's families and kindergartens, and what must come out
queueing.py   July: import, proofs, iteration, confirmation, choice, contract
attending.py  September: tablets, a partner's timesheet, trouble
paying.py     October: closing, approval, billing, claims, payment, bank
telling.py    the story in numbers, and whether each is as expected
main.py       the acts in their order
"""
