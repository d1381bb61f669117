"""The law of payouts.

claims    from posted statements to money on its way: states and who may move them
payments  lines of a payment run and what the bank's answers do to them
answers   the bank's answer file, read strictly
files     the payment file as ISO 20022 wants it
"""
