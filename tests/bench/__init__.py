"""The benchmark: what Obolo costs beyond the barest thing that could do the same.

`make bench` measures for some minutes and writes `bench.json`; `--quick` takes seconds and is part
of the tests. Each figure of ours stands beside its floor, and the two take turns in one run.
"""
