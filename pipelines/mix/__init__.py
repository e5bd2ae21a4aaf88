"""The mix: from token runs to shards, exact in tokens, without a global sort.

    groups    weights, and what pools hold -> whole-number shares, level by level
    budgets   phases and pools' totals -> intervals of the pools' streams
    pools     documents -> their order in every pool, tokens by bucket
    cut       a position of a stream -> the token of a document
    place     an interval -> a split's fragments, the place and the shard of each
    contents  the fragments of one shard -> their order
    pack      their lengths -> training sequences
    packed    both -> tokens, padding, who was cut
    shards    both -> Parquet

Pure functions over arrays; `shards` writes to a stream it is given.
"""
