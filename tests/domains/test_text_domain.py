"""The text domain: networks, likelihood, game, generation, kept models."""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

import multigan
from multigan.adversarial.losses import CriticInputs, eager_critic_loss
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.randomness import Draw
from multigan.adversarial.terms import GeneratorTerm
from multigan.domains.text.critics import ConvCritic, RelganCritic, plain_strongest, strongest
from multigan.domains.text.domain import TextDomain
from multigan.domains.text.generator import TextNoise
from multigan.domains.text.likelihood import counted, plain_token_losses, token_losses
from multigan.domains.text.recurrent import LstmGenerator
from multigan.domains.text.relaxation import Relaxed
from multigan.domains.text.terms import hand_over
from multigan.domains.text.tokeniser import END, UNKNOWN
from multigan.errors import DataError, RecipeError, UserError
from multigan.recipe.load import load_recipe

GENERATORS = ["lstm", "gru", "memory", "transformer"]
DRAW = Draw(0, 0, 6, torch.device("cpu"), range(6))
SENTENCES = [
    f"{a} {b} {c} {d}."
    for a in ("the", "a")
    for b in ("old cat", "dog", "small boy", "bird")
    for c in ("sees", "likes", "hears")
    for d in ("rain", "me", "the sea", "bread")
]
TINY = {
    "generator": {"latent": 3, "embedding": 8, "width": 8, "depth": 1, "dropout": 0.2},
    "critic": {"embedding": 8, "width": 8, "depth": 2},
    "likelihood": {"samples": 64, "check_every": 16, "patience": 0},
    "game": {"penalties": {"r1": {"weight": 1, "interval": 2}, "r2": {"weight": 1}}},
    "train": {"samples": 48, "batch": 8, "log_every": 16, "sample_every": 10**9, "save_every": 32},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    path.write_text("\n".join(SENTENCES))
    return path


def recipe_of(source: Path, **settings: object):
    return load_recipe(
        {"domain": "text", "data": {"source": str(source), "length": 9}, **TINY}, settings
    )


def domain(source: Path, **settings: object) -> TextDomain:
    made = TextDomain(recipe_of(source, **settings))
    made.load()
    return made


def test_fused_losses_are_those_of_the_framework() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(s, requires_grad=True) for s in ((7, 5), (11, 5), (11,))]
    targets, outer = torch.randint(11, (7,)), torch.rand(7)
    ours, theirs = (f(*inputs, targets) for f in (token_losses, plain_token_losses))
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad((losses * outer).sum(), inputs) for losses in (ours, theirs)]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)


def test_counted_tokens_go_up_to_the_first_end() -> None:
    ids = torch.tensor([[5, 2, END, END], [3, 3, 3, 3], [END, 4, 4, 4]])
    assert counted(ids).tolist() == [
        [True, True, True, False],
        [True] * 4,
        [True, False, False, False],
    ]


@pytest.mark.parametrize("network", GENERATORS)
@pytest.mark.parametrize("gradient", [False, True])
def test_step_by_step_is_all_at_once(network: str, gradient: bool, source: Path) -> None:
    """What a generator writes token by token has the likelihood that it gives to the whole."""
    text = domain(source, **{"generator.network": network})
    generator = text.network("generator").eval()
    noise = text.noise(DRAW)
    state, x, found = (
        generator.begin(generator.labelled(noise.z, None)),
        generator.start.expand(6, -1),
        [],
    )
    ids = generator(noise)
    with torch.set_grad_enabled(gradient):
        for t in range(9):
            feature, state = generator.step(x, state)
            log_p = generator.scores(feature).log_softmax(-1)
            found.append(-log_p.gather(1, ids[:, t : t + 1])[:, 0])
            x = generator.table[ids[:, t]]
        losses, targets = generator.losses(ids, noise.z)
    mask = counted(ids)
    torch.testing.assert_close(losses, torch.stack(found, 1)[mask], rtol=1e-4, atol=1e-5)
    assert torch.equal(targets, ids[mask])


@pytest.mark.parametrize("network", GENERATORS)
@pytest.mark.parametrize("precise", [True, False])
def test_scores_in_one_memory_are_the_scores(network: str, precise: bool, source: Path) -> None:
    generator = domain(source, **{"generator.network": network}).network("generator")
    features, _ = generator.step(
        generator.start.expand(6, -1), generator.begin(torch.randn(6, generator.context))
    )
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=not precise):
        score = generator._scorer(6)
        for twice in (features, 2 * features):
            torch.testing.assert_close(score(twice), generator.scores(twice).float())


@pytest.mark.parametrize("network", GENERATORS)
@pytest.mark.parametrize("estimator", ["st", "soft_gumbel"])
def test_relaxed_sentences_end_and_carry_gradients(
    network: str, estimator: str, source: Path
) -> None:
    text = domain(source, **{"generator.network": network, "generator.estimator": estimator})
    generator, critic = text.network("generator").train(), text.network("critic")
    torch.manual_seed(0)
    made = generator(text.noise(DRAW))
    ids = made.ids if isinstance(made, Relaxed) else made.argmax(-1)
    after = (ids == END).cumsum(1) - (ids == END).int() > 0
    assert (ids[after] == END).all()
    critic(critic.embed(made)).mean().backward()
    learning = {
        name
        for name, p in generator.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }
    missing = {name for name, p in generator.named_parameters() if p.requires_grad} - learning
    assert not {name for name in missing if "wpe" not in name}
    if estimator == "st":
        generator.eval()
        assert torch.equal(
            generator(text.noise(DRAW)), ids
        )  # what is drawn does not depend on the relaxation


@pytest.mark.parametrize("critic", [ConvCritic, partial(ConvCritic, projection=True), RelganCritic])
def test_penalties_act_on_the_embedding_and_leave_it_learning(
    critic: Callable[..., nn.Module],
) -> None:
    torch.manual_seed(0)
    network = critic((7, 12), embedding=64, width=4)
    x = network.embed(torch.randint(12, (5, 7)))
    logits = network(x)
    assert logits.shape == ((5, 64) if critic is RelganCritic else (5, 7))
    (slope,) = torch.autograd.grad(logits.mean(1).sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert sum(p.grad.abs().sum() for p in network.parameters() if p.grad is not None) > 0
    loss = eager_critic_loss(network, OBJECTIVES["rpgan"], None, joint=True)
    real, fake = network.embed(torch.randint(12, (5, 7))), network.embed(torch.randint(12, (5, 7)))
    weights = {"r1": torch.tensor(1.0), "r2": torch.tensor(1.0)}
    network.zero_grad()
    loss(CriticInputs(real, fake, None, None, {}, {}, weights, {})).total.backward()
    assert (
        network.embed.weight.grad.abs().sum() > 0
    )  # the embedding learns from the penalised logits


@pytest.mark.parametrize(
    ("features", "reach", "places"), [(1, 2, 37), (1, 5, 37), (3, 4, 30), (8, 5, 12)]
)
def test_strongest_places_are_those_of_the_whole_map(
    features: int, reach: int, places: int
) -> None:
    """Values, gradients and second derivatives are the plain way's, for one part and for many of a
    batch."""
    torch.manual_seed(0)
    filters = nn.Conv1d(features, 7, reach)
    x = torch.randn(70, features, places, requires_grad=True)
    results = []
    for way in (plain_strongest, strongest):
        made = way(x, filters)
        (slope,) = torch.autograd.grad(made.square().sum(), x, create_graph=True)
        results.append(
            [made, slope, *torch.autograd.grad(slope.square().sum(), [x, *filters.parameters()])]
        )
    for plain, fast in zip(*results, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)


def test_a_causal_critic_sees_only_what_came_before() -> None:
    torch.manual_seed(0)
    ids = torch.randint(12, (1, 8))
    other = ids.clone()
    other[0, 5] = (ids[0, 5] + 1) % 12
    for causal, projection in ((True, False), (True, True), (False, False)):
        network = ConvCritic((8, 12), width=8, causal=causal, projection=projection)
        for block in network.blocks:
            nn.init.normal_(block.mix.weight)
        before, after = (network(network.embed(x))[0] for x in (ids, other))
        same = (before == after).tolist()
        assert same[5:] == [False] * 3
        assert all(same[:5]) == causal
    with pytest.raises(ValueError, match="needs causal"):
        ConvCritic((8, 12), causal=False, projection=True)


def test_a_generator_begins_with_the_frequencies_of_the_words(source: Path) -> None:
    text = domain(source, **{"generator.initial": 1.7})
    generator, ids = text.network("generator"), text.corpus.train.samples
    with torch.no_grad():
        scores = generator.scores(torch.zeros(1, 8))[0]
    share = torch.bincount(ids[counted(ids)], minlength=len(scores)) + 1
    assert torch.allclose(scores.softmax(0), share / share.sum(), atol=1e-6)
    assert 1.5 < generator.table.abs().max() < 1.7


@pytest.mark.parametrize(("tied", "size"), [(True, 6), (False, 6), (False, 10)])
def test_the_critic_starts_from_the_embeddings_the_generator_has_learnt(
    tied: bool, size: int
) -> None:
    generator = LstmGenerator((8, 12), latent=0, embedding=6, width=6 if tied else 4, tied=tied)
    critic = ConvCritic((8, 12), embedding=size)
    hand_over(generator, critic)
    rows = critic.embed.weight[:, :6].flatten(), generator.table.flatten()
    assert torch.corrcoef(torch.stack(rows))[0, 1] > 0.999
    if size == 10:
        scoring = critic.embed.weight[:, 6:].flatten(), generator.output.flatten()
        assert torch.corrcoef(torch.stack(scoring))[0, 1] > 0.999


def test_terms_appear_where_they_are_asked_for(source: Path) -> None:
    def named(**settings: object) -> list[str]:
        terms: list[GeneratorTerm] = list(domain(source, **settings).terms())
        return [term.name for term in terms]

    assert named() == []
    asked = {
        "generator.estimator": "reinforce",
        "generator.likelihood": 0.1,
        "generator.entropy": 0.1,
    }
    assert named(**asked) == ["reinforce", "likelihood", "entropy"]


@pytest.fixture(scope="module")
def run(source: Path, tmp_path_factory: pytest.TempPathFactory) -> multigan.Run:
    out = tmp_path_factory.mktemp("run") / "run"
    return multigan.train(recipe_of(source), out=out, device="cpu", quiet=True)


def test_a_run_has_both_stages_and_keeps_what_generation_needs(run: multigan.Run) -> None:
    rows = run.metrics
    assert [row["samples"] for row in rows] == [16, 32, 48, 64, 80, 96, 112]
    assert ["likelihood/loss" in row for row in rows] == [True] * 4 + [False] * 3
    assert ["critic/objective" in row for row in rows] == [False] * 4 + [True] * 3
    assert all("likelihood/held_out" in row for row in rows)
    assert rows[3]["likelihood/held_out"] < rows[0]["likelihood/held_out"]
    names = {path.name for path in (run.folder / "model").iterdir()}
    assert {"model.safetensors", "critic.safetensors", "config.json", "tokeniser"} <= names


def test_generated_sentences_follow_from_seed_and_index_alone(run: multigan.Run) -> None:
    model = multigan.load(run.folder)
    sentences = model.generate(300, seed=4)
    assert sentences == model.generate(300, seed=4) != model.generate(300, seed=5)
    assert sentences[:3] == model.generate(3, seed=4)
    assert all(isinstance(s, str) and "<" not in s for s in sentences)


def test_options_of_generation(run: multigan.Run) -> None:
    model = multigan.load(run.folder)
    assert all(s.startswith("the dog") for s in model.generate(20, prefix="the dog"))
    assert len(set(model.generate(30, temperature=0))) <= 30
    assert len(set(model.generate(40, unique=True))) == 40
    plain, best = model.generate(64), model.generate(64, filter=4)
    scores = []
    for sentences in (plain, best):
        ids = torch.from_numpy(model.domain.tokeniser.encode(sentences, 9).ids).long()
        scores.append(model.critic(model.critic.embed(ids)).mean().item())
    assert scores[1] > scores[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": -1}, "temperature -1"),
        ({"prefix": "a green dog"}, "never seen green"),
        ({"prefix": "the dog " * 9}, "18 tokens"),
        ({"filter": 0}, "filter = 0"),
        ({"unique": True, "temperature": 0, "prefix": "the dog"}, "samples differ"),
        ({"colour": 1}, "colour means nothing to text"),
    ],
)
def test_options_that_cannot_be(run: multigan.Run, options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        multigan.load(run.folder).generate(200, **options)


def test_a_low_temperature_is_greedy_and_a_unit_one_is_the_model(run: multigan.Run) -> None:
    generator = multigan.load(run.folder).generator
    z, u = torch.zeros(50, 3), torch.rand(50, 9)
    likeliest = generator.sample(z, u, temperature=0)
    assert (likeliest == likeliest[0]).all()
    assert torch.equal(generator.sample(z, u, temperature=1e-5), likeliest)
    generator.eval()
    assert torch.equal(generator.sample(z, u), generator(TextNoise(z, u, torch.ones(50))))


def test_unknown_tokens_are_never_written(run: multigan.Run) -> None:
    generator = multigan.load(run.folder).generator
    with torch.no_grad():
        generator.bias[UNKNOWN] = 50
    z, u = torch.zeros(20, 3), torch.rand(20, 9)
    assert (generator.sample(z, u) == UNKNOWN).any()
    assert not (generator.sample(z, u, known=True) == UNKNOWN).any()


def test_the_command_prints_and_writes_sentences(
    run: multigan.Run, command, tmp_path: Path
) -> None:
    arguments = (
        "generate",
        run.folder,
        "-n",
        5,
        "--out",
        tmp_path / "a",
        "--prefix",
        "a bird",
        "--unique",
    )
    done = command(*arguments)
    assert done.status == 0, done.err
    lines = done.out.splitlines()[:5]
    assert all(line.startswith("a bird") for line in lines)
    assert (tmp_path / "a" / "sentences.txt").read_text("utf-8").splitlines() == lines
    done = command(
        "generate", run.folder, "-n", 3, "--out", tmp_path / "b", "--format", "jsonl", "--filter", 2
    )
    rows = [
        json.loads(line)["text"]
        for line in (tmp_path / "b" / "sentences.jsonl").read_text("utf-8").splitlines()
    ]
    assert rows == done.out.splitlines()[:3]
    assert command("generate", run.folder, "--prefix", "zebra", "--out", tmp_path / "c").status == 2


@pytest.mark.parametrize("estimator", ["st", "soft_gumbel", "reinforce"])
def test_half_precision_trains_and_writes(estimator: str, source: Path, tmp_path: Path) -> None:
    recipe = recipe_of(source, **{"train.precision": "bf16", "generator.estimator": estimator})
    made = multigan.train(recipe, out=tmp_path / "run", device="cpu", quiet=True)
    assert all(
        math.isfinite(row["generator/objective"])
        for row in made.metrics
        if "generator/objective" in row
    )
    assert all(p.dtype == torch.float32 for p in made.model.generator.parameters())
    assert len(made.model.generate(3)) == 3


def test_a_python_list_is_data(source: Path, tmp_path: Path) -> None:
    made = multigan.train(
        {"domain": "text", **TINY, "data": {"source": "unused", "length": 9}},
        data=SENTENCES,
        out=tmp_path / "run",
        settings={"train.samples": 16},
        device="cpu",
        quiet=True,
    )
    assert made.model.generate(2)
    with pytest.raises(DataError, match="5 is no sentence"):
        multigan.train(recipe_of(source), data=["a", 5], out=tmp_path / "other")
    with pytest.raises(DataError, match="path or a name"):
        multigan.train("points/ring", data=["a"], out=tmp_path / "other")


def test_labels_condition_both_players(tmp_path: Path) -> None:
    for name, word in (("happy", "good"), ("sad", "bad")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(
            "\n".join(f"{word} {word} day {i}" for i in range(30))
        )
    recipe = {
        "domain": "text",
        **TINY,
        "data": {"source": str(tmp_path), "length": 6, "labels": True},
    }
    settings = {
        "likelihood.samples": 1200,
        "likelihood.lr": 0.05,
        "generator.width": 24,
        "data.held_out": 0.1,
    }
    run = multigan.train(recipe, out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    model = run.model
    assert model.classes == ("happy", "sad")
    assert sum("good" in s for s in model.generate(40, label="happy")) > 30
    assert sum("bad" in s for s in model.generate(40, label="sad")) > 30


def test_sentences_become_pages_and_statistics(source: Path) -> None:
    text = domain(source)
    ids = text.represent(text.corpus.train.samples[:24], DRAW)
    items = text.presenter.present(ids)
    assert set(items) <= set(SENTENCES)
    assert text.presenter.sheet(items).mode == "RGB"
    assert (
        text.presenter.sheet(["我喜欢在雨中散步" for _ in range(3)]) is None
    )  # the font would show boxes
    assert text.presenter.lines(items) == items
    features = text.ruler.coordinates(ids)
    assert torch.equal(
        features, text.ruler.coordinates(nn.functional.one_hot(ids, len(text.tokeniser)).float())
    )
    assert features[0].sum() == 2 * (ids[0] != END).sum() - 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"game.diversity": 1}, "not made for sentences"),
        ({"data.held_out": 0, "likelihood.patience": 3}, "data.held_out above 0"),
        ({"generator.temperature": 0}, "must stay above 0"),
        ({"generator.estimator": "magic"}, "Allowed"),
        ({"train.samples": 4}, "less than one round"),
    ],
)
def test_recipes_that_cannot_be(source: Path, settings: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe_of(source, **settings)
