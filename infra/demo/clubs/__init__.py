"""The programme of clubs on an invented Karaganda.

sample.py    the sample's clubs and families, the plan of October, and what must come out
opening.py   September: budgets, the List, a platform's register, intake with its draw, vouchers
learning.py  October: lessons on tablets, switches, a second platform, a suspended club, trouble
paying.py    November: closing, confirmations, billing, claims, payment, bank
telling.py   the story in numbers per direction, and whether each is as expected
story.py     the acts in their order
"""
