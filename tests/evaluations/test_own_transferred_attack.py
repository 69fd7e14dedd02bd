"""A transferred attack of one's own is given the substitute, and what it makes once is what all models see."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from own_code import TRANSFERRED, code_of
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations import evaluate
from harness.own_code import OwnFunction

MI_FGSM = OwnFunction(TRANSFERRED, "transferred.py:mi_fgsm")


def accuracies(result):
    return [number.value for number in result.measurements if number.metric == "accuracy"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_fgsm_as_an_attack_of_ones_own_gives_the_accuracies_of_the_built_in_one(
    precision, setting, network, linear, spec_of
):
    """A chunk of the built-in one is a batch here, so that the gradients of both are rounded alike."""
    sizes = {"max_epsilon": 0.3, "sizes": 7, "precision": precision}
    setting = dataclasses.replace(setting, attack=MI_FGSM)
    for substitute, model in ((network, linear(0)), (linear(7), network), (network, network)):
        setting = dataclasses.replace(setting, substitute=substitute)
        own = spec_of("own_transferred_attack", options={"steps": 1}, batch_size=setting.chunk, **sizes)
        found = accuracies(evaluate(model, setting, own))
        assert found == accuracies(evaluate(model, setting, spec_of("fgsm_transfer", **sizes)))
        assert len(set(found)) > 1


def test_more_steps_within_the_same_size_hurt_the_substitute_more(setting, network, spec_of):
    setting = dataclasses.replace(setting, attack=MI_FGSM, substitute=network)
    one, ten = (
        accuracies(evaluate(network, setting, spec_of("own_transferred_attack", options={"steps": steps}, sizes=7)))
        for steps in (1, 10)
    )
    assert ten[0] == one[0]
    assert sum(ten) < sum(one)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_attack_is_given_the_substitute_in_float32(precision, setting, network, shifted, spec_of):
    def attack(model, images, labels, epsilon):
        assert not model.training
        assert model is not network
        assert {each.dtype for each in model.parameters()} == {torch.float32}
        assert torch.equal(model(images), network(images))
        return images

    setting = dataclasses.replace(setting, attack=attack, substitute=network)
    found = accuracies(evaluate(shifted, setting, spec_of("own_transferred_attack", precision=precision)))
    assert len(set(found)) == 1


def test_whatever_an_attack_does_to_the_substitute_is_gone_with_the_batch(setting, network, linear, spec_of):
    def rude(model, images, labels, epsilon):
        model.train()
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.zero_()
        return images

    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    setting = dataclasses.replace(setting, attack=rude, substitute=network)
    evaluate(linear(0), setting, spec_of("own_transferred_attack"))
    assert not network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (lambda model, images, labels, epsilon: (images - 1.1 * epsilon).abs(), r"own\.py:attack moves an image by"),
        (lambda model, images, labels, epsilon: model(images)[:, :1, None, None] / 0 + images, "not finite at size"),
    ],
)
def test_what_it_returns_is_held_to_the_same_rules(attack, said, setting, linear, spec_of):
    for _ in range(2):
        with pytest.raises(NotEvaluable, match=said):
            evaluate(linear(0), dataclasses.replace(setting, attack=attack), spec_of("own_transferred_attack"))


def test_a_missing_substitute_is_a_mistake(setting, linear, spec_of):
    with pytest.raises(ValueError, match="needs a substitute"):
        evaluate(linear(0), dataclasses.replace(setting, substitute=None), spec_of("own_transferred_attack"))


@pytest.fixture
def noise(setting, linear):
    """A setting with an attack that is random and counted, and the list of the batches that it was given."""
    seen = []

    def attack(model, images, labels, epsilon):
        seen.append(len(images))
        return images + epsilon * (2 * torch.rand_like(images) - 1)

    return dataclasses.replace(setting, attack=attack, substitute=linear(8)), seen


def test_all_models_see_the_same_images_which_are_made_once(noise, linear, constant, spec_of):
    setting, seen = noise
    shown = []

    class Watching(nn.Module):
        def forward(self, images):
            shown[-1].append(images.clone())
            return linear(0)(images)

    spec = spec_of("own_transferred_attack", batch_size=50)
    for _ in range(2):
        shown.append([])
        evaluate(Watching().eval(), setting, spec)
    assert seen == [50] * 4 + [20] * 2
    assert all(map(torch.equal, *shown))
    assert evaluate(linear(0), setting, spec).arrays["hits"].tolist() == hits_of_what_was_shown(shown[0], setting)
    evaluate(constant([1.0, 0.0]), setting, spec.replaced(precision="bfloat16"))
    assert len(seen) == 6


def hits_of_what_was_shown(shown, setting):
    """The test images as they are come in chunks of 64, then each batch at both sizes."""
    clean, attacked = torch.cat(shown[:2]), shown[2:]
    by_size = [clean, torch.cat(attacked[0::2]), torch.cat(attacked[1::2])]
    weights = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))
    logits = [((images.flatten(1)[:, None] - 0.5) * weights).sum(2) for images in by_size]
    return [(each.argmax(1) == setting.labels).tolist() for each in logits]


def test_two_attacks_with_one_substitute_are_remembered_side_by_side(noise, linear, spec_of):
    setting, seen = noise
    other = dataclasses.replace(setting, attack=lambda *given: setting.attack(*given))
    spec = spec_of("own_transferred_attack")
    for seed in range(3):
        for attacked in (setting, other):
            evaluate(linear(seed), attacked, spec)
    assert len(seen) == 2 * 4


@pytest.mark.parametrize(
    "changes",
    [{"noise_seed": 1}, {"batch_size": 60}, {"sizes": 4}, {"max_epsilon": 0.1}, {"n_images": 100}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_changes_the_images_makes_them_anew(changes, noise, linear, spec_of):
    setting, seen = noise
    evaluate(linear(0), setting, spec_of("own_transferred_attack"))
    before, spec = len(seen), spec_of("own_transferred_attack", **changes)
    found = evaluate(linear(0), setting, spec)
    assert len(seen) > before
    anew = evaluate(linear(0), dataclasses.replace(setting, substitute=linear(8)), spec)
    assert found.arrays["hits"].tolist() == anew.arrays["hits"].tolist()


def test_other_images_or_labels_or_another_substitute_make_them_anew(noise, linear, spec_of):
    setting, seen = noise
    evaluate(linear(0), setting, spec_of("own_transferred_attack"))
    for changed in (
        dataclasses.replace(setting, images=setting.images.flip(0)),
        dataclasses.replace(setting, labels=setting.labels.roll(1)),
        dataclasses.replace(setting, substitute=linear(9)),
    ):
        before = len(seen)
        evaluate(linear(0), changed, spec_of("own_transferred_attack"))
        assert len(seen) == before + 4


def test_a_later_job_with_the_same_text_finds_what_an_earlier_one_made(setting, linear, spec_of):
    """Each job runs the file anew, so their functions are other objects."""
    text = "seen = []\ndef attack(model, images, labels, epsilon):\n    seen.append(1)\n    return images\n"
    setting, spec = dataclasses.replace(setting, substitute=linear(8)), spec_of("own_transferred_attack")
    counts = []
    for changed in (text, text, text + "# another line\n"):
        code = code_of(changed)
        code.run()
        evaluate(linear(0), dataclasses.replace(setting, attack=OwnFunction(code, "mine.py:attack")), spec)
        counts.append(len(code.function("mine.py:attack").__globals__["seen"]))
    assert counts == [4, 0, 4]


def test_a_network_that_writes_over_its_images_changes_no_other_models(noise, linear, spec_of):
    setting, _ = noise

    class Blackening(nn.Module):
        def forward(self, images):
            logits = linear(0)(images)
            images.zero_()
            return logits

    spec = spec_of("own_transferred_attack")
    results = [evaluate(model, setting, spec).arrays["hits"].tolist() for model in (linear(0), Blackening().eval())]
    assert results[0] == results[1] == evaluate(linear(0), setting, spec).arrays["hits"].tolist()


def test_what_a_failed_attack_left_is_not_taken_for_all_of_it(noise, linear, spec_of):
    setting, seen = noise

    def fails_once(*given):
        if len(seen) == 2:
            seen.append(0)
            raise MemoryError
        return attack(*given)

    attack, spec = setting.attack, spec_of("own_transferred_attack", batch_size=60)
    setting = dataclasses.replace(setting, attack=fails_once)
    with pytest.raises(MemoryError):
        evaluate(linear(0), setting, spec)
    found = evaluate(linear(0), setting, spec)
    assert seen == [60, 60, 0, 60, 60, 60, 60]
    assert accuracies(found) == accuracies(evaluate(linear(0), dataclasses.replace(setting, attack=attack), spec))
