"""How many bikes are asked for each hour: a model of counts, judged over time and trained again each month."""
