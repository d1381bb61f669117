"""The law of billing: what a day earns, what a statement says, what is posted.

pricing      from confirmed days to a line per child, across providers
earning      how a month under way grows day by day
statements   what is posted: due minus already posted, with its cause
replay       a statement made again beside the one that was posted
figures      what the public sees: child-days, sums, savings
"""
