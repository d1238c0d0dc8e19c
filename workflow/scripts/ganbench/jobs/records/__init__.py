"""Records: what the results of a job are of, and what a study therefore makes again."""
