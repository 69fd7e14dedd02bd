from __future__ import annotations

import re
import socket
import sys
import tomllib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.data.sets import Task
from harness.data.weights import get_weights, weights_file
from harness.errors import DataDamaged, DataMissing, HarnessError, ImportRefused, NotEvaluable, UnknownName
from harness.models import zoo
from harness.models.bfloat16 import in_bfloat16
from harness.models.checkpoint import load_checkpoint
from harness.models.cost import ROBUSTBENCH_FORWARD_GFLOP
from harness.models.published_weights import import_weights
from harness.models.zoo import architecture, load_robustbench, robustbench_network
from harness.own_code import OwnCode
from harness.spec import CheckpointSpec, RobustBenchSpec
from harness.spec.external import RobustBenchModel

CPU = torch.device("cpu")
MODELS = get_args(RobustBenchModel)
MODAS = RobustBenchSpec(model="Modas2021PRIMEResNet18")  # the smallest
ENGSTROM = RobustBenchSpec(model="Engstrom2019Robustness")

Tensors = dict[str, Tensor]
Content = Callable[[Tensors], object]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may reach a network."""

    def refusing(*_: object, **__: object) -> None:
        raise AssertionError("something wanted to connect")

    monkeypatch.setattr(socket.socket, "connect", refusing)
    monkeypatch.setattr(socket, "getaddrinfo", refusing)


def generated(folder: Path, spec: RobustBenchSpec, content: Content = lambda tensors: tensors) -> tuple[Path, Tensors]:
    """Puts small random weights in the real layout; gives their verified file and the tensors."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in architecture(spec).state_dict().items()}
    numbers = torch.Generator().manual_seed(0)
    tensors = {name: torch.rand(shape, generator=numbers).mul_(0.02) for name, shape in shapes.items()}
    tensors |= {name: torch.tensor(1) for name in tensors if name.endswith("num_batches_tracked")}
    torch.save(content(tensors), folder / "random.pt")
    import_weights(folder / "data", spec.weights, folder / "random.pt", kind="stand-in")
    return weights_file(folder / "data", spec.weights), tensors


def equal(model: nn.Module, tensors: Tensors) -> bool:
    found = model.state_dict()
    return found.keys() == tensors.keys() and all(torch.equal(found[name], tensors[name]) for name in tensors)


@pytest.fixture(scope="module")
def modas(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tensors]:
    return generated(tmp_path_factory.mktemp("modas"), MODAS)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("model", MODELS)
def test_each_model_is_loaded_from_the_disk_and_classifies(
    model: RobustBenchModel, images: Tensor, tmp_path: Path
) -> None:
    path, tensors = generated(tmp_path, RobustBenchSpec(model=model))
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    loaded = load_robustbench(RobustBenchSpec(model=model), path, CPU)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not loaded.training
    assert equal(loaded, tensors)
    logits = loaded(images)
    assert logits.shape == (3, 10)
    rounded = in_bfloat16(loaded)(images)
    torch.testing.assert_close(rounded, logits, rtol=0, atol=2**-5 * float(logits.abs().max()))
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, logits)


@pytest.mark.parametrize("model", MODELS)
def test_cost_is_what_torch_counts(model: RobustBenchModel) -> None:
    spec = RobustBenchSpec(model=model)
    with torch.device("meta"):
        network, image = architecture(spec), torch.empty(1, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        network(image)
    assert ROBUSTBENCH_FORWARD_GFLOP[spec.model] == pytest.approx(counter.get_total_flops() / 1e9, rel=1e-4)


def test_weights_take_no_gradients_but_images_do(modas: tuple[Path, Tensors], images: Tensor) -> None:
    model = load_robustbench(MODAS, modas[0], CPU)
    (gradient,) = torch.autograd.grad(model(images.requires_grad_()).logsumexp(1).sum(), images)
    assert gradient.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    "content",
    [
        lambda tensors: {"state_dict": tensors, "epoch": 200},
        lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()},
        lambda tensors: {"state_dict": {f"module.model.{name}": tensor for name, tensor in tensors.items()}},
    ],
    ids=["state_dict", "module", "module.model"],
)
def test_the_forms_that_robustbench_accepts_are_accepted(content: Content, tmp_path: Path) -> None:
    path, tensors = generated(tmp_path, MODAS, content)
    assert equal(load_robustbench(MODAS, path, CPU), tensors)


def test_engstroms_normalisation_may_be_missing_as_in_robustbench(tmp_path: Path) -> None:
    def without(tensors: Tensors) -> object:
        return {name: tensor for name, tensor in tensors.items() if name not in {"mu", "sigma"}}

    path, _ = generated(tmp_path, ENGSTROM, without)
    assert load_robustbench(ENGSTROM, path, CPU).get_buffer("mu").flatten().tolist() == pytest.approx(
        [0.4914, 0.4822, 0.4465]
    )
    with pytest.raises(ImportRefused, match=r'Missing key\(s\) in state_dict: "mu", "sigma"'):
        generated(tmp_path, MODAS, without)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tensors: tensors.pop("conv1.weight"), r'Missing key\(s\) in state_dict: "conv1\.weight"'),
        (lambda tensors: tensors.update(more=torch.ones(1)), r'Unexpected key\(s\) in state_dict: "more"'),
        (
            lambda tensors: tensors.update({"linear.bias": torch.ones(100)}),
            r"size mismatch for linear\.bias: .*\[100\].*\[10\]",
        ),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_tensors_of_another_architecture_are_refused_by_name(change: Content, told: str, tmp_path: Path) -> None:
    def content(tensors: Tensors) -> object:
        change(tensors)
        return tensors

    with pytest.raises(ImportRefused, match=rf"random\.pt is not Modas2021PRIMEResNet18 \(RobustBench\), .*{told}"):
        generated(tmp_path, MODAS, content)


def test_a_file_that_is_not_there_is_never_downloaded(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=f"harness data prepare {MODAS.weights}"):
        load_robustbench(MODAS, get_weights(MODAS.weights).path(tmp_path), CPU)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changed_after_it_was_verified_is_refused_by_name(
    modas: tuple[Path, Tensors], tmp_path: Path
) -> None:
    path = tmp_path / Path(*modas[0].parts[-3:])
    path.parent.mkdir(parents=True)
    content = modas[0].read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"<html>"):
        path.write_bytes(damaged)
        with pytest.raises(DataDamaged, match=rf"cannot load .*ResNet18\.pt .*prepare {MODAS.weights} --replace"):
            load_robustbench(MODAS, path, CPU)


def test_a_file_in_another_place_is_a_programmers_error(modas: tuple[Path, Tensors]) -> None:
    with pytest.raises(ValueError, match="robustbench loads"):
        load_robustbench(RobustBenchSpec(model="Standard"), modas[0], CPU)


def test_weights_that_give_no_finite_logits_are_refused(tmp_path: Path) -> None:
    path, _ = generated(
        tmp_path, MODAS, lambda tensors: tensors | {"linear.weight": torch.full_like(tensors["linear.weight"], 1e38)}
    )
    with pytest.raises(NotEvaluable, match=r"Modas.*logits that are not finite.*--replace"):
        load_robustbench(MODAS, path, CPU)


@pytest.fixture
def not_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if robustbench had not been imported before."""
    for name in list(sys.modules):
        if name.partition(".")[0] in {"robustbench", "pkg_resources", "autoattack"}:
            monkeypatch.delitem(sys.modules, name)
    zoo._robustbench.cache_clear()
    yield
    zoo._robustbench.cache_clear()


@pytest.mark.usefixtures("not_imported")
def test_robustbench_is_imported_without_what_it_lacks_and_leaves_no_stand_in() -> None:
    architecture(MODAS)
    assert "robustbench.eval" in sys.modules
    for name in ("pkg_resources", "autoattack", "autoattack.state"):
        assert name not in sys.modules or sys.modules[name].__spec__ is not None


@pytest.mark.usefixtures("not_imported")
def test_a_module_that_is_there_is_not_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real = types.ModuleType("pkg_resources")
    monkeypatch.setitem(sys.modules, "pkg_resources", real)
    architecture(MODAS)
    assert sys.modules["pkg_resources"] is real
    assert sys.modules["robustbench.loaders"].pkg_resources is real


@pytest.mark.usefixtures("not_imported")
def test_a_robustbench_that_cannot_be_imported_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "robustbench", None)
    with pytest.raises(HarnessError, match=r"robustbench cannot be imported.*locked requirements"):
        architecture(MODAS)
    assert "autoattack" not in sys.modules


def test_another_model_of_robustbench_is_a_checkpoint_as_the_page_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "published-models.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    [table] = re.findall(r"^```toml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    spec = CheckpointSpec.model_validate(tomllib.loads(table)["conditions"]["rade"]["checkpoint"])
    torch.manual_seed(0)
    network = robustbench_network("Rade2021Helper_R18_extra", "cifar10", "Linf").eval()
    torch.save({f"module.{name}": tensor for name, tensor in network.state_dict().items()}, tmp_path / "rade.pt")
    task = Task(10, (32, 32), "centered")
    model = load_checkpoint(spec, tmp_path / "rade.pt", task, CPU, OwnCode((("others.py", code),)))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model(images), network(images))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("Rade2021Helper_R18_extra", "cifar10", "l2"), "no threat model of RobustBench's cifar10 called 'l2'"),
        (("Rade2021Helper_R18_extra", "mnist", "Linf"), "no data set of RobustBench called 'mnist'"),
        (("Rade2021Helper_R18_extr", "cifar10", "Linf"), "called 'Rade2021Helper_R18_extr'; did you mean 'Rade2021"),
    ],
)
def test_what_robustbench_does_not_have_is_refused_by_name(asked: tuple[str, str, str], said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        robustbench_network(*asked)
