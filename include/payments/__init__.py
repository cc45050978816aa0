"""Card payments, one partition a day: a data set that is bigger than one task should read."""
