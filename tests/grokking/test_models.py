from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from airskills.grokking.draws import Draw
from airskills.grokking.models import (
    BaseModel,
    FastGrokModel,
    GraphAttention,
    MessagePair,
    NoiseModel,
    TokenMLP,
    Transformer,
    VectorMLP,
)
from airskills.grokking.models.gat import graph_attention
from airskills.grokking.models.transformer import rotate

SIZES: Any = {"vocabulary": 5, "slots": 2, "classes": 5}
NETWORKS: Any = {
    "mlp": TokenMLP(**SIZES, embedding=4, width=6),
    "plain": Transformer(**SIZES, width=8, heads=2, hidden=8, suffix=True),
    "modern": Transformer(**SIZES, kind="modern", layers=2, width=8, heads=2, hidden=8),
    "gat": GraphAttention(**SIZES, width=8, heads=2, hidden=8),
    "message": MessagePair(states=5, classes=5, embedding=4, width=6, channel=3),
}
PAIRS = torch.tensor([[0, 1], [2, 3], [4, 4], [1, 0]])


def draws(*seeds: Any) -> Any:
    return Draw(seeds, 1, torch.device("cpu"))


def init(network: Any, seeds: Any) -> Any:
    runs = [network.init(torch.Generator().manual_seed(seed)) for seed in seeds]
    return {name: torch.stack([run[name] for run in runs]) for name in runs[0]}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_run_in_a_batch_answers_as_it_does_alone(network: Any) -> None:
    together = network.forward(init(network, [1, 2, 3]), PAIRS.expand(3, -1, -1), draws(1, 2, 3))
    alone = network.forward(init(network, [2]), PAIRS.unsqueeze(0), draws(2))

    assert torch.allclose(together.logits[1], alone.logits[0], atol=1e-6)


def test_token_mlp_equals_embedding_concatenation_and_two_linear_layers() -> None:
    network = NETWORKS["mlp"]
    params = init(network, [0])
    embedded = functional.embedding(PAIRS, params["embed.weight"][0]).flatten(1)
    hidden = functional.linear(embedded, params["hidden.weight"][0].T, params["hidden.bias"][0]).relu()
    expected = functional.linear(hidden, params["head.weight"][0].T, params["head.bias"][0])

    assert torch.allclose(network.forward(params, PAIRS.unsqueeze(0)).logits[0], expected, atol=1e-6)


def test_vector_mlp_gain_scales_the_matrices() -> None:
    small, large = (VectorMLP(features=3, classes=2, widths=(4,), gain=g) for g in (1.0, 8.0))

    assert torch.equal(
        large.init(torch.Generator().manual_seed(0))["head.weight"],
        8 * small.init(torch.Generator().manual_seed(0))["head.weight"],
    )


def test_plain_attention_equals_torch_multihead_attention_without_biases() -> None:
    network = Transformer(**SIZES, layers=2, width=8, heads=2, hidden=8)
    params = init(network, [0])
    x = torch.randn(1, 4, 2, 8, generator=torch.Generator().manual_seed(1))
    reference = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
    with torch.no_grad():
        names = ("query0.weight", "key0.weight", "value0.weight")
        reference.in_proj_weight.copy_(torch.cat([params[n][0].T for n in names]))
        reference.out_proj.weight.copy_(params["out0.weight"][0].T)
        future = torch.ones(2, 2, dtype=torch.bool).triu(1)
        expected = reference(x[0], x[0], x[0], attn_mask=future, need_weights=False)[0]

    assert torch.allclose(network._attend(params, x, 0, 2)[0], expected, atol=1e-6)


def test_the_last_query_alone_gives_the_same_answer_as_all_queries() -> None:
    network = NETWORKS["modern"]
    params = init(network, [0])
    x = torch.randn(1, 4, 3, 8, generator=torch.Generator().manual_seed(1))

    assert torch.allclose(
        network._attend(params, x, 0, 1)[:, :, 0], network._attend(params, x, 0, 3)[:, :, 2], atol=1e-6
    )


def test_rotary_turns_the_first_pair_by_one_radian_per_slot() -> None:
    # width 2, slots 0 and 1, x = (1, 0): unchanged, then (cos 1, sin 1)
    turned = rotate(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))

    assert torch.allclose(turned, torch.tensor([[1.0, 0.0], [0.54030, 0.84147]]), atol=1e-5)


def test_graph_attention_by_hand() -> None:
    # Two nodes 1 and 2, weight 1, sender score 1, receiver score 0: every node sees weights softmax(1, 2)
    # = (.26894, .73106), so both become 1 * .26894 + 2 * .73106 = 1.73106.
    one, zero = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    out = graph_attention(torch.tensor([[[[1.0], [2.0]]]]), one, one, zero)

    assert torch.allclose(out.flatten(), torch.tensor([1.73106, 1.73106]), atol=1e-5)


def test_graph_attention_leaks_negative_scores_by_a_fifth() -> None:
    # Receiver score -5, sender 0: leaky(-5 x_i) is constant over senders, so attention is uniform: mean 1.5.
    one, zero = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    uniform = graph_attention(torch.tensor([[[[1.0], [2.0]]]]), one, zero, -5 * one)
    # Sender score -1: scores (-.2, -.4), weights (.54983, .45017), mean 1.45017.
    leaky = graph_attention(torch.tensor([[[[1.0], [2.0]]]]), one, -one, zero)

    assert torch.allclose(uniform.flatten(), torch.tensor([1.5, 1.5]))
    assert torch.allclose(leaky.flatten(), torch.tensor([1.45017, 1.45017]), atol=1e-5)


def test_agents_share_no_information_but_the_message() -> None:
    network = MessagePair(states=5, classes=5, embedding=4, width=6, channel=3)
    params = init(network, [0]) | {"send.weight": torch.zeros(1, 6, 3)}
    logits = network.forward(params, torch.tensor([[[0, 2], [4, 2]]]), None).logits[0]

    assert torch.equal(logits[0], logits[1])


def test_the_channel_is_noisy_in_training_only() -> None:
    network = NETWORKS["message"]
    params, inputs = init(network, [0]), PAIRS.unsqueeze(0)
    quiet = network.forward(params, inputs, None).logits

    assert torch.equal(quiet, network.forward(params, inputs, None).logits)
    assert not torch.equal(quiet, network.forward(params, inputs, draws(0)).logits)


def test_fast_grok_differs_from_base_in_the_update_only() -> None:
    base, fast = BaseModel.for_pairs(5), FastGrokModel.for_pairs(5)

    assert base.method.filter == "none"
    assert fast.method.filter == "ema"
    assert base.network == fast.network


def test_noise_model_disturbs_logits_in_training_only() -> None:
    model = NoiseModel(network=NETWORKS["mlp"], std=0.5)
    params, inputs = init(model, [0]), PAIRS.unsqueeze(0)
    quiet, loud = (model.forward(params, inputs, d).logits for d in (None, draws(0)))

    assert torch.equal(quiet, NETWORKS["mlp"].forward(params, inputs).logits)
    assert 0.2 < float((loud - quiet).std()) < 0.9


def test_draws_depend_on_the_seed_and_not_on_the_neighbors() -> None:
    assert torch.equal(draws(5, 9).normal(0, 4)[1], draws(9).normal(0, 4)[0])
    assert not torch.equal(draws(5).normal(0, 4), draws(5).normal(1, 4))
