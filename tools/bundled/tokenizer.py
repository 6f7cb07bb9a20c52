# Trains, writes and applies a byte-pair tokenizer in the format and with the algorithm of CLIP.
"""Text is NFC, white space collapsed, lower case; split as CLIP splits; bytes become visible
characters; the last one of a word carries </w>; pairs merge in the order of merges.txt.
Source: openai/CLIP simple_tokenizer.py and transformers' CLIPTokenizer.
"""

import json
import re
import unicodedata
from collections import Counter

LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
# Letters, single digits, or runs of anything else that is not white space.
WORDS = re.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+",
    re.IGNORECASE,
)


def byte_characters():
    """A visible character for each byte: printable Latin-1 stands for itself, the others follow
    from 256 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in visible}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(visible))
    return table


BYTES = byte_characters()


def words_of(text):
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().lower()
    return WORDS.findall(text)


def symbols_of(word):
    characters = [BYTES[byte] for byte in word.encode()]
    return characters[:-1] + [characters[-1] + "</w>"]


def join_pair(symbols, pair):
    """Replaces every occurrence of the pair by its joined symbol."""
    joined, index = [], 0
    while index < len(symbols):
        if index + 1 < len(symbols) and (symbols[index], symbols[index + 1]) == pair:
            joined.append(pair[0] + pair[1])
            index += 2
        else:
            joined.append(symbols[index])
            index += 1
    return joined


def learn_merges(texts, limit):
    """Byte-pair encoding: joins the most frequent pair (ties: alphabetical) until the limit or no
    pair is left."""
    counts = Counter(word for text in texts for word in words_of(text))
    words = [(symbols_of(word), count) for word, count in sorted(counts.items())]
    merges = []
    while len(merges) < limit:
        pairs = Counter()
        for symbols, count in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [(join_pair(symbols, best), count) for symbols, count in words]
    return merges


def vocabulary(merges):
    """Ids: 256 bytes in the order of their characters, the same at a word's end, the merges, start
    and end."""
    ordered = [
        chr(code)
        for code in [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    ]
    ordered += [chr(256 + index) for index in range(256 - len(ordered))]
    tokens = (
        ordered + [token + "</w>" for token in ordered] + [a + b for a, b in merges] + [START, END]
    )
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.known = {}

    @classmethod
    def load(cls, folder):
        with open(f"{folder}/vocab.json", encoding="utf-8") as file:
            vocab = json.load(file)
        with open(f"{folder}/merges.txt", encoding="utf-8") as file:
            lines = file.read().split("\n")[1:]
        return cls(vocab, [tuple(line.split(" ")) for line in lines if line])

    def save(self, folder):
        with open(f"{folder}/vocab.json", "w", encoding="utf-8") as file:
            json.dump(self.vocab, file, ensure_ascii=False)
        with open(f"{folder}/merges.txt", "w", encoding="utf-8") as file:
            file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in self.ranks))

    def word_ids(self, word):
        if word not in self.known:
            symbols = [word] if word in (START, END) else symbols_of(word)
            while len(symbols) > 1:
                pair = min(
                    zip(symbols, symbols[1:]), key=lambda item: self.ranks.get(item, 1 << 30)
                )
                if pair not in self.ranks:
                    break
                symbols = join_pair(symbols, pair)
            self.known[word] = [self.vocab[symbol] for symbol in symbols]
        return self.known[word]

    def encode(self, text):
        """77 ids: start, at most 75 of the text, end, padded with end."""
        ids = [token for word in words_of(text) for token in self.word_ids(word)][: LENGTH - 2]
        return [self.vocab[START], *ids] + [self.vocab[END]] * (LENGTH - 1 - len(ids))
