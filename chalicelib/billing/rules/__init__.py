"""The law of billing: what a day earns, what a statement says, what is posted.

pricing      from confirmed days to a line per child, across providers
statements   what is posted: due minus already posted, with its cause
figures      what the public sees: child-days, sums, savings
"""
