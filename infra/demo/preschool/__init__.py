"""The preschool programme on an invented Taldykorgan.

sample.py     the sample's families and kindergartens, and what must come out
queueing.py   July: import, proofs, iteration, confirmation, choice, contract
attending.py  September: tablets, a partner's timesheet, trouble
paying.py     October: closing, approval, billing, claims, payment, bank
reckoning.py  what September should cost, apart from Kezek's code
telling.py    the story in numbers, and whether each is as expected
story.py      the acts in their order
"""
