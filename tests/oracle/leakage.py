"""Whether ids and names give the verdict away: a character 3-gram naive Bayes, and the samples it is tried on.

A sample is one record of one key in one list, drawn by a hash of key and record id, and the classifier sees which
3-grams the record has, not how often. So it cannot see how many records a key has, nor of what kind: both differ
between verdicts by the rules (two sources admit, one does not; a transaction can be recurring, a contract cannot) and
are evidence. Drawn by hash and not by position, because the first record may be a special one. The words that un-govern
by the rules (`legacy`, ` dev` ...) are evidence too, and are cut out of IdP names.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from .evidence import Estate, Record, words
from .rederive import DRIFTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ("CLASSES", "Sample", "Score", "balanced_accuracy", "inject_hint", "texts")

CLASSES = ("clean", "shadow", "zombie", "parked")

FIELDS = {
    ("discovery", "observations"): (
        "observation_id",
        "observed_name",
        "vendor_hint",
        "domain",
        "hostname",
        "observed_uri",
    ),
    ("idp", "objects"): ("idp_id", "name", "external_ref"),
    ("cmdb", "cis"): ("ci_id", "name", "vendor", "external_ref"),
    ("cloud", "resources"): ("cloud_id", "name", "uri"),
    ("finance", "vendors"): ("vendor_id", "vendor_name"),
    ("finance", "contracts"): ("contract_id", "vendor_name", "product"),
    ("finance", "transactions"): ("txn_id", "vendor_name", "product", "memo"),
    ("endpoint", "installed_apps"): ("install_id", "app_name", "vendor", "version"),
    ("network", "dns"): ("dns_id", "queried_domain"),
    ("network", "proxy"): ("proxy_id", "domain", "url"),
    ("network", "certs"): ("cert_id", "domain", "issuer"),
}
"""The ids and names of each list; the first one identifies the record."""

_DRIFT = re.compile(rf"[ (]*(?:{'|'.join(map(re.escape, DRIFTED))})\)*")


class Sample(NamedTuple):
    """One text to be classified. Samples of one group (a vendor) are never on both sides of the split."""

    group: str
    label: str
    text: str


class Score(NamedTuple):
    """How well verdicts were guessed; `sigma` is how much `accuracy` scatters if nothing can be guessed."""

    accuracy: float
    chance: float
    sigma: float

    @property
    def leaks(self) -> bool:
        """Whether the guesses are better than chance by more than three standard deviations."""
        return self.accuracy > self.chance + 3 * self.sigma


def balanced_accuracy(samples: Iterable[Sample], seed: int) -> Score:
    """Train on the vendors of one half, guess those of the other; the mean recall of the classes.

    The halves are a stable hash of seed and group. One split and no cross-fit: guessing both ways round would count
    the same chance likeness of the halves twice, and `sigma` would be too small. Every class has the same prior.
    Raises ValueError if fewer than two classes are in both halves: then nothing could be told.
    """
    train: dict[str, list[frozenset[str]]] = defaultdict(list)
    held_out: dict[str, list[frozenset[str]]] = defaultdict(list)
    for group, label, text in samples:
        (train if _draw(str(seed), group)[0] & 1 else held_out)[label].append(_grams(text))
    classes = sorted(train.keys() & held_out.keys())
    if len(classes) < 2:
        raise ValueError(f"only the classes {classes} are in both halves; two are needed, so give more samples")
    weights = _weights([train[label] for label in classes])
    recalls = [_recall(at, held_out[label], weights) for at, label in enumerate(classes)]
    chance = 1 / len(classes)
    variance = sum(chance * (1 - chance) / len(held_out[label]) for label in classes)
    return Score(sum(recalls) / len(classes), chance, math.sqrt(variance) / len(classes))


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


def _draw(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=8).digest()


def _weights(train: Sequence[Sequence[frozenset[str]]]) -> Mapping[str, tuple[float, ...]]:
    """Gram -> log-likelihood per class, smoothed towards the mean of the classes so that a rare class is no outlier."""
    counts = [Counter(gram for grams in seen for gram in grams) for seen in train]
    totals = [count.total() or 1 for count in counts]
    vocabulary = frozenset().union(*counts)
    size = len(vocabulary)
    weights = {}
    for gram in vocabulary:
        mean = sum(count[gram] / total for count, total in zip(counts, totals, strict=True)) / len(counts)
        weights[gram] = tuple(
            math.log((count[gram] + size * mean) / (total + size)) for count, total in zip(counts, totals, strict=True)
        )
    return weights


def _recall(label: int, held_out: Sequence[frozenset[str]], weights: Mapping[str, tuple[float, ...]]) -> float:
    hits = 0
    for grams in held_out:
        rows = [weights[gram] for gram in grams if gram in weights]
        scores = [sum(column) for column in zip(*rows, strict=True)]
        hits += bool(scores) and scores.index(max(scores)) == label
    return hits / len(held_out)


def texts(document: Mapping[str, Any], truth: Mapping[str, str], estate: Estate | None = None) -> dict[str, list[Sample]]:
    """List ("plane.kind") -> one sample per key that the list knows and whose verdict in `truth` is in CLASSES.

    The group of a key is its vendor hint, or its label if it has none. `estate` is that of the document, if at hand.
    """
    estate = estate or Estate(document)
    samples = {}
    for (plane, kind), fields in FIELDS.items():
        drawn: dict[str, tuple[bytes, str]] = {}
        for record in estate.records(plane, kind):
            for key in _keys_of(estate, plane, kind, record):
                lot = _draw(key, str(record[fields[0]]))
                if truth.get(key) in CLASSES and (key not in drawn or lot < drawn[key][0]):
                    drawn[key] = (lot, _text(plane, record, fields))
        found = ((estate.keys[key], truth[key], text) for key, (_, text) in sorted(drawn.items()))
        samples[f"{plane}.{kind}"] = [Sample(key.hint or key.label, label, text) for key, label, text in found]
    return samples


def _text(plane: str, record: Record, fields: Iterable[str]) -> str:
    text = "\n".join(str(record.get(name) or "") for name in fields).lower()
    return _DRIFT.sub("", text) if plane == "idp" else text


def _keys_of(estate: Estate, plane: str, kind: str, record: Record) -> Iterator[str]:
    if plane == "discovery":
        key = estate.key_of(record)
        return iter([key] if key else [])
    if plane == "cmdb":
        return iter(estate.ci_keys(record))
    if plane in ("idp", "network"):
        name = {"objects": "external_ref", "dns": "queried_domain"}.get(kind, "domain")
        key = estate.domains.of(record.get(name))
        return iter([key] if key else [])
    shown = " ".join(str(record.get(name) or "") for name in FIELDS[plane, kind][1:])
    labels = estate.named_by(shown) if plane == "cloud" else words(shown) & estate.labels.keys()
    return (twin.key for label in labels for twin in estate.labels[label])


def inject_hint(document: Mapping[str, Any], truth: Mapping[str, str], hints: Mapping[str, str]) -> dict[str, Any]:
    """A copy of the document in which `observed_name` ends with a hint at the verdict (`hints`: verdict -> suffix)."""
    estate = Estate(document)
    hinted = []
    for observation in document["planes"]["discovery"]["observations"]:
        suffix = hints.get(truth.get(estate.key_of(observation) or "", ""), "")
        hinted.append({**observation, "observed_name": f"{observation['observed_name']}{suffix}"})
    return {**document, "planes": {**document["planes"], "discovery": {"observations": hinted}}}
