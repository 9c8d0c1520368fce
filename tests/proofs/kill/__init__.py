"""The kill proof: a bank's own log judges a site that is killed again and again while it sells.

`python -m tests.proofs.kill --kills 20`. A parent imports and builds everything once; each round
forks a child that is the site: it opens the database, reconciles, serves HTTP, and dies by SIGKILL,
in one round at a random instant, in the next at a named crash point of checkout. Meanwhile people
buy, pay at the bank (a process of its own with a log of its own), come back, and the bank's
messages arrive late, twice, in any order or never. With `--provider stripe` or `--provider paypal`
the bank is the stand-in of that provider's tests, and the site sells by that plugin.
"""
