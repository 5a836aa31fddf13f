"""The leakage test can see a hint and does not see one in noise."""

from __future__ import annotations

import random

import pytest

from .leakage import CLASSES, Sample, balanced_accuracy, inject_hint, texts
from .tiny import app, bill, ci, device, dns, login, resource, seen, snapshot

PINE = "silverpine.com"
LAKE = "copperlake.com"


def noise(seed: int, count: int = 1200) -> list[Sample]:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(count)]
    shares = (10, 4, 2, 3)
    return [Sample(word, draw.choices(CLASSES, shares)[0], f"obs-{draw.getrandbits(32):08x}\n{word}.com") for word in words]


@pytest.mark.parametrize("seed", range(8))
def test_noise_does_not_leak(seed: int) -> None:
    assert not balanced_accuracy(noise(seed), seed).leaks


def test_scores_of_noise_scatter_as_sigma_says() -> None:
    scores = [balanced_accuracy(noise(seed, 400), seed) for seed in range(40)]
    deviations = [(score.accuracy - score.chance) / score.sigma for score in scores]
    assert abs(sum(deviations) / len(deviations)) < 0.6
    assert 0.6 < (sum(deviation**2 for deviation in deviations) / len(deviations)) ** 0.5 < 1.5


@pytest.mark.parametrize("hinted", CLASSES)
def test_a_hint_in_one_class_leaks(hinted: str) -> None:
    samples = [s._replace(text=s.text + " (x)") if s.label == hinted else s for s in noise(1)]
    assert balanced_accuracy(samples, 1).leaks


def test_a_vendor_seen_in_training_is_not_asked_about() -> None:
    samples = [Sample(f"v{at % 100}", CLASSES[at % 2], f"name{at % 100:03}") for at in range(1000)]
    assert not balanced_accuracy(samples, 1).leaks


def test_one_class_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="two are needed"):
        balanced_accuracy([Sample(str(at), "clean", "text") for at in range(50)], 1)


def test_how_many_records_a_key_has_cannot_be_seen() -> None:
    once = snapshot(seen(PINE), seen(LAKE))
    often = snapshot(seen(PINE), seen(LAKE), *(seen(PINE, days=day) for day in range(9)))
    truth = {PINE: "shadow", LAKE: "clean"}
    few, many = ([len(sample.text) for sample in texts(it, truth)["discovery.observations"]] for it in (once, often))
    assert few == many


def test_samples_are_taken_of_every_plane_and_of_graded_verdicts_only() -> None:
    document = snapshot(
        *(seen(key, vendor_hint="Northwind") for key in (PINE, LAKE)),
        *(seen("amberfield.io"), seen("python.org"), login(PINE, "Silverpine"), ci(PINE), dns(PINE)),
        *(resource("amberfield-store"), bill("Silverpine, Inc."), device(), app("Silverpine")),
    )
    truth = {PINE: "clean", LAKE: "clean", "amberfield.io": "shadow", "python.org": "rejected"}
    samples = texts(document, truth)
    assert {name: len(found) for name, found in samples.items()} == {
        "discovery.observations": 3,
        "idp.objects": 1,
        "cmdb.cis": 1,
        "cloud.resources": 1,
        "finance.vendors": 0,
        "finance.contracts": 0,
        "finance.transactions": 1,
        "endpoint.installed_apps": 1,
        "network.dns": 1,
        "network.proxy": 0,
        "network.certs": 0,
    }
    assert samples["idp.objects"] == [Sample("northwind", "clean", "objects-0\nsilverpine\nsilverpine.com")]
    assert {sample.label for sample in samples["discovery.observations"]} == {"clean", "shadow"}


@pytest.mark.parametrize("name", ["Pine -Staging", "Pine (Legacy)", "Pine dev", "Pine-QA", "Pine"])
def test_the_words_by_which_an_idp_name_ungoverns_are_evidence_and_not_text(name: str) -> None:
    sample = texts(snapshot(seen(PINE), login(PINE, name)), {PINE: "shadow"})["idp.objects"][0]
    assert sample.text == "objects-0\npine\nsilverpine.com"


def test_an_injected_hint_is_in_a_copy_and_in_its_class_only() -> None:
    document = snapshot(seen(PINE), seen(LAKE))
    hinted = inject_hint(document, {PINE: "shadow", LAKE: "clean"}, {"shadow": " (x)"})
    names = [observation["observed_name"] for observation in hinted["planes"]["discovery"]["observations"]]
    assert names == ["Some App (x)", "Some App"]
    assert document == snapshot(seen(PINE), seen(LAKE))
