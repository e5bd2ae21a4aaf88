"""Training of a byte-level BPE.

In:  texts, and the manifest's `tokenizer.train`.
Out: the bytes of a tokenizer.json.
Guaranteed: the same texts give the same bytes, in any process; all 256 bytes are tokens, so that any text can be
     encoded; the special tokens come first, EOS as 0 and the padding as 1, and are never merged into.
"""

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from pipelines.errors import ManifestError
from pipelines.tokenizer_spec import TrainOptions
from pipelines.tokens.huggingface import stay_on_one_core
from pipelines.tokens.patterns import pattern_of


def train_bpe(texts: Iterable[str], options: TrainOptions) -> bytes:
    """Train on `texts` and return a tokenizer.json.

    Args:
        texts: read once; how many bytes they should be is the caller's business.
        options: vocabulary size, least frequency of a merge, pattern, further special tokens.

    Raises:
        ManifestError: the vocabulary is too small for the bytes and the special tokens, or the pattern is no regular
            expression.
    """
    stay_on_one_core()
    specials = list(options.all_specials)
    _check_size(options.vocab_size, 256 + len(specials))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer(options)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocab_size,
        min_frequency=options.min_frequency,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str().encode()


def _check_size(asked: int, least: int) -> None:
    if asked < least:
        remedy = f"write at least {least}: 256 bytes and {least - 256} special tokens"
        raise ManifestError("tokenizer.train.vocab_size", asked, remedy)


def _pre_tokenizer(options: TrainOptions) -> pre_tokenizers.PreTokenizer:
    """Return GPT-2's own splitter, or a split by the pattern, in either case with bytes as characters."""
    if options.pattern == "gpt2" and options.digits is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    try:
        split = pre_tokenizers.Split(Regex(pattern_of(options.pattern, options.digits)), "isolated")
    except Exception as error:  # `tokenizers` raises plain Exception
        raise ManifestError("tokenizer.train.pattern", options.pattern, f"no regular expression: {error}") from error
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
