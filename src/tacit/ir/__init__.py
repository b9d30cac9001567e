"""What a computation is: graphs, ops and scalar functions."""
