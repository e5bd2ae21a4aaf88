"""Exports: the shards of a build in the formats that other trainers read.

    export     a finished build, a format -> a folder, and `export.json` that accounts for it
    chunks     shards -> consecutive sequences, in order
    runs       sequences -> tokens in a row, and where documents begin among them
    formats    what a format is: names, units, sizes, and the function that writes it
    token_files  tokens in a row -> files of bounded size
    megatron, datatrove, olmo, mds    one format each

Which name is which format stands in `pipelines/catalog.py`, `EXPORTERS`. To add one: write a function from chunks and a
`Target` to what was `Written`, describe it as an `Exporter`, and add a line there.
"""
