"""The encoder and the detector against an independent implementation and against invariances."""

import dataclasses
import re
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.detector import (
    ARCHITECTURES,
    Architecture,
    Detector,
    find_architecture,
    normalise_waveforms,
)
from sdd.detector.architectures import STANDARD_CONVOLUTIONS, parse_convolutions
from sdd.errors import InputError
from tests.helpers.encoders import AUTHORS, TINY, VARIANTS, make, noise


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# --- against torchaudio ---


def torchaudio_model(detector):
    """Put the detector's weights into torchaudio's implementation."""
    from torchaudio.models import wav2vec2_model

    chosen = detector.architecture
    model = wav2vec2_model(
        extractor_mode="layer_norm" if chosen.extractor_mode == "layer_norm" else "group_norm",
        extractor_conv_layer_config=[list(layer) for layer in chosen.convolutions],
        extractor_conv_bias=chosen.conv_bias,
        encoder_embed_dim=chosen.encoder_embed_dim,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=chosen.conv_pos,
        encoder_pos_conv_groups=chosen.conv_pos_groups,
        encoder_num_layers=chosen.encoder_layers,
        encoder_num_heads=chosen.encoder_attention_heads,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=chosen.encoder_ffn_embed_dim,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=chosen.layer_norm_first,
        encoder_layer_drop=0.0,
        aux_num_out=None,
    )
    rules = [
        (r"(conv_layers\.\d+)\.0\.", r"\1.conv."),
        (r"(conv_layers\.\d+)\.2\.1\.", r"\1.layer_norm."),
        (r"(conv_layers\.\d+)\.2\.", r"\1.layer_norm."),
        (r"^encoder\.", "encoder.transformer."),
        (r"^layer_norm\.", "encoder.feature_projection.layer_norm."),
        (r"^post_extract_proj\.", "encoder.feature_projection.projection."),
        (r"pos_conv\.0\.", "pos_conv_embed.conv."),
        (r"weight_g$", "parametrizations.weight.original0"),
        (r"weight_v$", "parametrizations.weight.original1"),
        (r"self_attn_layer_norm", "layer_norm"),
        (r"self_attn", "attention"),
        (r"fc1", "feed_forward.intermediate_dense"),
        (r"fc2", "feed_forward.output_dense"),
    ]
    state = {}
    for name, value in detector.encoder.state_dict().items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        state[name] = value
    model.load_state_dict(state, strict=True)
    return model.eval()


@pytest.mark.parametrize("variant", AUTHORS)
@pytest.mark.parametrize("samples", [400, 719, 4321, 16000])
def test_embeddings_logits_and_gradients_equal_torchaudio(variant, samples):
    detector = make(variant)
    reference = torchaudio_model(detector)
    waveforms = 0.1 * noise(2, samples)
    features, _ = reference(F.layer_norm(waveforms, (samples,)))
    expected = features.mean(1)
    embedding, logits = detector.embed_and_logits(waveforms)
    torch.testing.assert_close(embedding, expected, atol=5e-6, rtol=0)
    torch.testing.assert_close(logits, detector.proj_fc(expected), atol=5e-6, rtol=0)

    labels = torch.tensor([0, 1])
    F.cross_entropy(logits, labels).backward()
    ours = detector.encoder.encoder.layers[0].fc1.weight.grad
    first = detector.encoder.feature_extractor.conv_layers[0][0].weight.grad
    F.cross_entropy(detector.proj_fc(expected), labels).backward()
    theirs = reference.encoder.transformer.layers[0].feed_forward.intermediate_dense.weight.grad
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    theirs = reference.feature_extractor.conv_layers[0].conv.weight.grad
    torch.testing.assert_close(first, theirs, atol=1e-6, rtol=0)


# --- without gradients ---


@pytest.mark.parametrize("lengths", [None, [3000, 1777]])
@pytest.mark.parametrize("variant", VARIANTS)
def test_without_gradients_the_same(variant, lengths):
    """Other convolutions run then, and activations are overwritten; not what was given, though."""
    detector, waveforms = make(variant), noise(2, 3000)
    lengths = None if lengths is None else torch.tensor(lengths)
    given, expected = waveforms.clone(), detector.embed_and_logits(waveforms, lengths)
    assert expected[0].requires_grad
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            found = detector.embed_and_logits(waveforms, lengths)
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)
    torch.testing.assert_close(waveforms, given, atol=0, rtol=0)


# --- padding ---


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("normalise", [True, False])
def test_padded_batch_equals_each_utterance_alone(variant, normalise):
    detector = make(variant)
    lengths = torch.tensor([4000, 2777, 400, 3999])
    waveforms = noise(4, 4000)  # the padding is noise: none of it may be seen
    embedding, logits = detector.embed_and_logits(waveforms, lengths, normalise)
    for row, length in enumerate(lengths.tolist()):
        alone = waveforms[row : row + 1, :length]
        one, score = detector.embed_and_logits(alone, normalise=normalise)
        torch.testing.assert_close(embedding[row], one[0], atol=5e-6, rtol=0)
        torch.testing.assert_close(logits[row], score[0], atol=5e-6, rtol=0)


@pytest.mark.parametrize("variant", AUTHORS)
def test_padding_gets_no_gradient_and_gives_that_of_each_alone(variant):
    detector = make(variant)
    lengths = torch.tensor([2000, 1500])
    waveforms = noise(2, 2000).requires_grad_()
    detector(waveforms, lengths).square().sum().backward()
    assert waveforms.grad[1, 1500:].abs().max() == 0
    batch = {name: p.grad.clone() for name, p in detector.named_parameters()}
    detector.zero_grad()
    for row, length in enumerate([2000, 1500]):
        detector(waveforms[row : row + 1, :length].detach()).square().sum().backward()
    for name, parameter in detector.named_parameters():
        torch.testing.assert_close(batch[name], parameter.grad, atol=5e-6, rtol=1e-4, msg=name)


def test_without_lengths_padding_is_pooled():
    detector = make("layer_norm_pre")
    waveforms = F.pad(noise(1, 2000), (0, 2000))
    pooled = detector.embed(waveforms)
    features, padding = detector.encoder(normalise_waveforms(waveforms))
    assert padding is None
    torch.testing.assert_close(pooled, features.mean(1))
    masked = detector.embed(waveforms, torch.tensor([2000]))
    assert (pooled - masked).abs().max() > 1e-3


def test_equal_lengths_are_no_padding():
    detector = make("group_norm_post")
    waveforms = noise(2, 1000)
    lengths = torch.tensor([1000, 1000])
    torch.testing.assert_close(detector(waveforms, lengths), detector(waveforms), atol=0, rtol=0)


def test_normalise_by_hand():
    waveforms = torch.tensor([[1.0, 3.0, 100.0], [2.0, 4.0, 6.0]])
    result = normalise_waveforms(waveforms, torch.tensor([2, 3]))
    one = 1 / (1 + 1e-5) ** 0.5
    two = 2 / (8 / 3 + 1e-5) ** 0.5
    expected = torch.tensor([[-one, one, 0.0], [-two, 0.0, two]])
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)
    whole = normalise_waveforms(waveforms)
    torch.testing.assert_close(whole, F.layer_norm(waveforms, (3,), eps=1e-5))


def test_logits_ignore_gain_and_offset_when_normalised():
    detector = make("layer_norm_pre")
    waveforms = noise(1, 1000)
    torch.testing.assert_close(
        detector(5 * waveforms + 1), detector(waveforms), atol=1e-4, rtol=1e-4
    )
    assert (detector(5 * waveforms, normalise=False) - detector(waveforms)).abs().max() > 1e-4


# --- frames ---


@settings(max_examples=30, deadline=None)
@given(samples=st.integers(1, 3000))
def test_frames_of_samples(samples):
    chosen = find_architecture(VARIANTS["odd_kernel_equal_width"])
    convolved = torch.zeros(1, 1, samples)
    expected = samples
    for _, kernel, stride in chosen.convolutions:
        expected = 0 if expected < kernel else (expected - kernel) // stride + 1
    assert chosen.frames(samples) == expected
    if samples >= chosen.receptive_field:
        for _, kernel, stride in chosen.convolutions:
            convolved = F.conv1d(convolved, torch.zeros(1, 1, kernel), stride=stride)
        assert convolved.shape[-1] == expected


def test_standard_receptive_field_and_frames():
    chosen = ARCHITECTURES["xlsr_2b"]
    assert chosen.receptive_field == 400
    assert [chosen.frames(n) for n in (399, 400, 719, 720, 16000)] == [0, 1, 1, 2, 49]
    assert chosen.samples(2) == 720
    encoder = make("layer_norm_pre").encoder
    assert encoder.frames(torch.tensor([400, 719, 720, 16000])).tolist() == [1, 1, 2, 49]


# --- training ---


def test_feature_grad_mult_scales_the_gradient_into_the_convolutions():
    gradients = {}
    for factor in (1.0, 0.25, 0.0):
        detector = make("group_norm_post", feature_grad_mult=factor)
        detector(noise(2, 2000)).square().sum().backward()
        gradients[factor] = {name: p.grad for name, p in detector.named_parameters()}
    for name, whole in gradients[1.0].items():
        assert torch.isfinite(whole).all()
        scale = 0.25 if "feature_extractor" in name else 1.0
        torch.testing.assert_close(gradients[0.25][name], scale * whole)
        if "feature_extractor" in name:
            assert gradients[0.0][name] is None
        else:
            torch.testing.assert_close(gradients[0.0][name], whole)


@pytest.mark.parametrize("variant", AUTHORS)
def test_activation_checkpointing_gives_equal_gradients(variant):
    detector = make(variant, dropout=0.1, attention_dropout=0.1).train()
    lengths, gradients = torch.tensor([3000, 2000]), []
    for recompute in (False, True):
        detector.checkpoint_activations = recompute
        detector.zero_grad()
        torch.manual_seed(5)  # the same dropout
        detector(noise(2, 3000), lengths).square().sum().backward()
        gradients.append([p.grad.clone() for p in detector.parameters()])
    assert detector.encoder.encoder.checkpoint_activations
    for kept, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(kept, recomputed, atol=0, rtol=0)


def test_dropout_input_acts_in_training_only():
    detector = make("layer_norm_pre", dropout_input=0.5)
    waveforms = noise(1, 2000)
    assert torch.equal(detector(waveforms), detector(waveforms))
    detector.train()
    assert not torch.equal(detector(waveforms), detector(waveforms))


def test_layer_drop_leaves_out_layers():
    detector = make("group_norm_post", encoder_layerdrop=0.999).train()
    waveforms = noise(1, 2000)
    torch.manual_seed(0)
    dropped = detector(waveforms)
    detector.encoder.encoder.layers = torch.nn.ModuleList()
    torch.testing.assert_close(dropped, detector(waveforms))


def test_masked_frames_are_replaced_by_the_embedding():
    encoder = make("layer_norm_pre").encoder
    waveforms = noise(2, 4000)
    frames = int(encoder.frames(torch.tensor(4000)))
    embedding = noise(48)
    plain, _ = encoder(waveforms)
    nothing = torch.zeros(2, frames, dtype=torch.bool)
    same, _ = encoder(waveforms, mask=nothing, mask_embedding=embedding)
    assert torch.equal(plain, same)
    everything, _ = encoder(waveforms, mask=~nothing, mask_embedding=embedding)
    torch.testing.assert_close(everything[0], everything[1])  # nothing of the audio is left
    features, padding = encoder.convolve(waveforms)
    assert features.shape == (2, frames, 24)
    torch.testing.assert_close(encoder.contextualise(features, padding), plain)
    with pytest.raises(InputError, match="mask needs a mask_embedding"):
        encoder(waveforms, mask=nothing)


@pytest.mark.parametrize("variant", AUTHORS)
def test_bfloat16_is_near_float32_and_logits_are_float32(variant):
    detector = make(variant)
    waveforms, lengths = noise(2, 2000), torch.tensor([2000, 1500])
    expected = detector(waveforms, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = detector(waveforms, lengths)
    pure = detector.bfloat16()(waveforms, lengths)
    for logits in (mixed, pure):
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, expected, atol=0.05, rtol=0.05)


def test_float64_is_kept():
    detector = make("group_norm_post").double()
    logits = detector(noise(1, 1000).double())
    assert logits.dtype == torch.float64


# --- fresh weights ---


def test_fresh_weights_follow_the_seed_alone():
    states = []
    for state_of_torch, seed in ((0, 7), (1, 7), (0, 8)):
        torch.manual_seed(state_of_torch)
        detector = Detector(find_architecture(VARIANTS["layer_norm_pre"]))
        detector.initialise(seed)
        states.append(detector.state_dict())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name])
    assert not torch.equal(states[0]["proj_fc.weight"], states[2]["proj_fc.weight"])


def test_fresh_weights_have_fairseq_scale():
    detector = Detector(find_architecture({**TINY, "encoder_embed_dim": 256, "conv_bias": True}))
    detector.initialise(0)
    encoder = detector.encoder.requires_grad_(False)
    assert encoder.encoder.layers[0].fc1.weight.std() == pytest.approx(0.02, rel=0.05)
    assert encoder.encoder.layers[1].self_attn.k_proj.bias.abs().max() == 0
    second = encoder.feature_extractor.conv_layers[1][0].weight
    assert second.std() == pytest.approx((2 / (24 * 3)) ** 0.5, rel=0.1)
    positional = encoder.encoder.pos_conv[0]
    assert positional.weight_v.std() == pytest.approx((4 / (16 * 256)) ** 0.5, rel=0.05)
    torch.testing.assert_close(positional.weight_g, positional.weight_v.norm(2, (0, 1), True))
    assert detector.proj_fc.weight.abs().max() <= 1 / 16


def test_back_end_alone():
    detector = make("layer_norm_pre")
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    detector.initialise_back_end(3)
    changed = {n for n, value in detector.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"proj_fc.weight", "proj_fc.bias"}


# --- input ---


def check(waveforms, lengths=None):
    make("layer_norm_pre")(waveforms, lengths)


@pytest.mark.parametrize(
    ("waveforms", "lengths", "message"),
    [
        (torch.zeros(1, 399), None, r"399 samples.*at least 400 \(25 ms"),
        (torch.zeros(2, 500), torch.tensor([500, 20]), "20 samples.*at least 400"),
        (torch.zeros(0, 500), None, "batch is empty"),
        (torch.zeros(500), None, r"\[500\].*must be \[utterances, samples\]"),
        (torch.zeros(1, 500, dtype=torch.int16), None, "int16.*floating"),
        (torch.zeros(2, 500), torch.tensor([500]), r"Lengths of shape \[1\].*2 integers"),
        (torch.zeros(1, 500), torch.tensor([500.0]), "1 integers"),
        (torch.zeros(1, 500), torch.tensor([501]), "length of 501.*padded to 500"),
        (torch.full((1, 500), float("nan")), None, "Waveforms 0 of the batch.*not finite"),
        (torch.full((10, 500), float("inf")), None, "0, 1, .*7 and 2 more .*not finite"),
    ],
)
def test_refused_batches(waveforms, lengths, message):
    with pytest.raises(InputError, match=message):
        check(waveforms, lengths)


# --- architectures ---


@pytest.mark.parametrize(
    ("name", "millions"),
    [("w2v_small", 94.4), ("mms_300m", 315.4), ("xlsr_1b", 962.5), ("xlsr_2b", 2159.3)],
)
def test_named_architectures_have_the_published_size(name, millions):
    # Sizes that the papers and the Hugging Face cards of these encoders give.
    with torch.device("meta"):
        encoder = Detector(ARCHITECTURES[name]).encoder
    assert sum(p.numel() for p in encoder.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


def test_named_architectures_are_those_of_antideepfake():
    assert ARCHITECTURES["mms_1b"] == ARCHITECTURES["xlsr_1b"]
    assert ARCHITECTURES["mms_300m"] == ARCHITECTURES["w2v_large"]
    assert [ARCHITECTURES[name].dropout_input for name in ("mms_300m", "mms_1b", "xlsr_2b")] == [
        0.0,
        0.1,
        0.1,
    ]
    assert ARCHITECTURES["w2v_small"].encoder_layerdrop == 0.05
    assert find_architecture({"layer_norm_first": True}).dropout == 0.1  # fairseq's default


def test_hubert_xl_has_the_published_size():
    """964 million weights, with those of pre-training: 504 labels of 1024 dimensions."""
    chosen = ARCHITECTURES["hubert_xl"]
    with torch.device("meta"):
        encoder = Detector(chosen).encoder
    width, labels, final = chosen.encoder_embed_dim, 504, 1024
    pretraining = width + labels * final + (width + 1) * final
    count = sum(p.numel() for p in encoder.parameters()) + pretraining
    assert count / 1e6 == pytest.approx(964.3, abs=0.1)


def test_keys_of_hubert_give_its_architecture():
    """Of fairseq's HubertConfig, as its X-Large was trained with."""
    keys = {
        **{"_name": "hubert", "label_rate": 50, "untie_final_proj": True, "final_dim": 1024},
        **{"skip_masked": False, "skip_nomask": True, "mask_prob": 0.8, "target_glu": False},
        **{"extractor_mode": "layer_norm", "layer_norm_first": True, "conv_bias": False},
        **{"conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2"},
        **{"encoder_layers": 48, "encoder_embed_dim": 1280, "encoder_ffn_embed_dim": 5120},
        **{"encoder_attention_heads": 16, "dropout": 0.0, "attention_dropout": 0.0},
    }
    found, named = find_architecture(keys), ARCHITECTURES["hubert_xl"]
    assert found.convolutions == named.convolutions
    assert dataclasses.replace(found, conv_feature_layers=named.conv_feature_layers) == named


def test_mapping_takes_any_key_of_fairseq_and_round_trips():
    mapping = {"_name": "wav2vec2", "latent_temp": [2.0, 0.5, 0.999995], "mask_prob": 0.65}
    assert find_architecture({**mapping, "final_dim": 256, "layer_type": "transformer"}) == (
        Architecture()
    )
    chosen = find_architecture(VARIANTS["layer_norm_pre"])
    assert find_architecture(chosen.as_dict()) == chosen
    assert find_architecture(chosen) is chosen
    listed = find_architecture({"conv_feature_layers": [[8, 4, 2], [8, 2, 2]]})
    assert listed.convolutions == ((8, 4, 2), (8, 2, 2))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("xlsr_2B", "no architecture named 'xlsr_2B'.*did you mean xlsr_2b"),
        (["xlsr_2b"], "a name or a mapping"),
        ({"encoder_layer": 3}, "'encoder_layer' is not one of.*did you mean encoder_layer"),
        ({"encoder_layers": "12"}, "encoder_layers is '12'; it must be of type int"),
        ({"encoder_layers": True}, "encoder_layers is True"),
        ({"dropout": "1e-1"}, "type float.*write 1.0e-6"),
        ({"dropout": 1.0}, "dropout is 1.0; a probability"),
        ({"conv_bias": 1}, "conv_bias is 1; it must be of type bool"),
        ({"extractor_mode": "batch_norm"}, "extractor_mode is 'batch_norm'"),
        ({"activation_fn": "swish"}, "activation_fn is 'swish'"),
        ({"encoder_attention_heads": 7}, "must divide encoder_embed_dim, 768"),
        ({"encoder_layers": 0}, "encoder_layers is 0; it must be >= 1"),
        ({"feature_grad_mult": -1.0}, "feature_grad_mult is -1.0"),
        ({"layer_type": "conformer"}, "layer_type is 'conformer'; this encoder has only"),
        ({"conv_feature_layers": "[]"}, "has no layer"),
        ({"conv_feature_layers": [[8, 4]]}, "each layer is"),
    ],
)
def test_refused_architectures(given_, message):
    with pytest.raises(InputError, match=message):
        find_architecture(given_)


def test_convolutions_are_read_as_fairseq_evaluates_them():
    standard = ((512, 10, 5), *[(512, 3, 2)] * 4, *[(512, 2, 2)] * 2)
    assert parse_convolutions(STANDARD_CONVOLUTIONS) == standard
    assert parse_convolutions("[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] * 2") == standard
    assert parse_convolutions("2 * ([(8, 4, 2)] + [(6, 2, 1)])") == ((8, 4, 2), (6, 2, 1)) * 2


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "[(512, 10, 5)] if True else []",
        "[(c, 3, 2) for c in (1, 2)]",
        "[(512, 10, 2 ** 3)]",
        "[(512, 10, 5)] * 10 ** 9",
        "[(512, 10, 5)] * 1000000000",
        "[(512, 10, -5)]",
        "[(512, 10)]",
        "[(512, 10, 5)",
        "(" * 5000,
        "5",
    ],
)
def test_convolutions_refuse_anything_else(expression):
    with pytest.raises(InputError, match=r"conv_feature_layers .* cannot be read"):
        parse_convolutions(expression)


def test_architectures_do_not_import_torch():
    code = "import sys, sdd.detector, sdd.detector.architectures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
