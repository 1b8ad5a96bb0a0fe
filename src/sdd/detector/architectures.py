"""Architectures of wav2vec 2.0 encoders, as data, under the names of fairseq's configuration.

Field names, defaults and meanings are those of `Wav2Vec2Config` of fairseq 0.12.2. HuBERT (Hsu et
al., arXiv 2106.07447) has the same encoder, trained otherwise, and the same names in its
`HubertConfig`. The seven named architectures are those of AntiDeepfake (Ge et al., arXiv
2506.21090).
"""

import ast
import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sdd.errors import InputError

STANDARD_CONVOLUTIONS = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
ACTIVATIONS = ("relu", "gelu", "gelu_fast", "gelu_accurate", "tanh", "linear")
MAXIMUM_CONVOLUTIONS = 64

# Keys of fairseq's configuration that a detector does not read: they concern pre-training (masks,
# quantiser, negatives, HuBERT's labels), layers of another type, or how fairseq runs rather than
# what it computes.
IGNORED_KEYS = frozenset(
    """
    _name final_dim logit_temp quantize_targets same_quantizer target_glu quantizer_depth
    quantizer_factor latent_vars latent_groups latent_dim latent_temp
    mask_length mask_prob mask_selection mask_other no_mask_overlap mask_min_space
    require_same_masks mask_dropout mask_channel_length mask_channel_prob mask_channel_before
    mask_channel_selection mask_channel_other no_mask_channel_overlap mask_channel_min_space
    label_rate untie_final_proj skip_masked skip_nomask
    num_negatives negatives_from_everywhere cross_sample_negatives codebook_negatives
    max_positions checkpoint_activations required_seq_len_multiple
    depthwise_conv_kernel_size attn_type pos_enc_type fp16
    adp_num adp_dim adp_act_fn adp_trf_idx
    """.split()  # noqa: SIM905  # one key a line would fill a page
)

# Keys that would change what the encoder computes in ways it does not offer: one value only.
FIXED_KEYS: Mapping[str, object] = MappingProxyType(
    {
        "layer_type": "transformer",
        "quantize_input": False,
        "pos_conv_depth": 1,
        "crop_seq_to_multiple": 1,
    }
)


@dataclass(frozen=True)
class Architecture:
    """A wav2vec 2.0 encoder, under fairseq's field names and defaults.

    Attributes
    ----------
    extractor_mode
        `default`: group norm after the first convolution; `layer_norm`: layer norm after each.
    encoder_layers, encoder_embed_dim, encoder_ffn_embed_dim, encoder_attention_heads
        Transformer layers, width, width of the feed-forward blocks, heads.
    activation_fn
        Activation of the feed-forward blocks.
    dropout, attention_dropout, activation_dropout
        Probabilities in the transformer: of block outputs, attention weights, activations.
    encoder_layerdrop
        Probability of leaving out a whole layer in training.
    dropout_input
        Probability of dropping projected features before the transformer.
    dropout_features
        Of the targets of pre-training; a detector has none.
    layer_norm_first
        Layer norm before each block (pre-norm) rather than after it (post-norm).
    conv_feature_layers
        The convolutions, a string expression of `(channels, kernel, stride)` such as
        `[(512, 10, 5)] + [(512, 3, 2)] * 4`.
    conv_bias
        Whether these convolutions have a bias.
    conv_pos, conv_pos_groups
        Kernel and groups of the positional convolution.
    feature_grad_mult
        Factor on the gradient that enters the convolutions; 0 freezes them.
    """

    extractor_mode: str = "default"
    encoder_layers: int = 12
    encoder_embed_dim: int = 768
    encoder_ffn_embed_dim: int = 3072
    encoder_attention_heads: int = 12
    activation_fn: str = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.0
    encoder_layerdrop: float = 0.0
    dropout_input: float = 0.0
    dropout_features: float = 0.0
    layer_norm_first: bool = False
    conv_feature_layers: str = STANDARD_CONVOLUTIONS
    conv_bias: bool = False
    conv_pos: int = 128
    conv_pos_groups: int = 16
    feature_grad_mult: float = 1.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        _check_values(self)

    @property
    def convolutions(self) -> tuple[tuple[int, int, int], ...]:
        """The convolutions of the feature extractor: (channels, kernel, stride) of each."""
        return parse_convolutions(self.conv_feature_layers)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees, the shortest input there can be (400 as standard)."""
        return self.samples(1)

    def frames(self, samples: int) -> int:
        """Count the frames that the encoder makes of so many samples; 0 of too few for one."""
        for _, kernel, stride in self.convolutions:
            samples = max(0, (samples - kernel) // stride + 1)
        return samples

    def samples(self, frames: int) -> int:
        """Return the fewest samples that make so many frames."""
        for _, kernel, stride in reversed(self.convolutions):
            frames = (frames - 1) * stride + kernel
        return frames

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """Return all fields, as `find_architecture` takes them back."""
        return dataclasses.asdict(self)


def parse_convolutions(expression: str) -> tuple[tuple[int, int, int], ...]:
    """Read fairseq's expression of convolutions without evaluating code.

    Parameters
    ----------
    expression
        Lists of `(channels, kernel, stride)`, joined by `+` and repeated by `* n`.

    Raises
    ------
    InputError
        If the expression is anything else, empty, or has more than 64 convolutions.
    """
    remedy = "write it as fairseq does, for example " + repr(STANDARD_CONVOLUTIONS)
    try:
        layers = _convolution_list(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f"conv_feature_layers {_shorten(expression)} cannot be read ({error}); {remedy}."
        ) from error
    if not layers:
        raise InputError(f"conv_feature_layers {_shorten(expression)} has no layer; {remedy}.")
    return tuple(layers)


def find_architecture(
    name_or_mapping: "str | Mapping[str, object] | Architecture",
) -> Architecture:
    """Find an architecture by name, or make one of fairseq's configuration keys.

    Parameters
    ----------
    name_or_mapping
        One of `ARCHITECTURES`; or a mapping with any keys of fairseq's wav2vec 2.0
        configuration, where absent ones take fairseq's defaults and those of pre-training are
        ignored; or an `Architecture`, returned as it is.

    Raises
    ------
    InputError
        If the name or a key is unknown, or a value has the wrong type or cannot be.
    """
    if isinstance(name_or_mapping, Architecture):
        return name_or_mapping
    if isinstance(name_or_mapping, str):
        if name_or_mapping not in ARCHITECTURES:
            raise InputError(
                f"There is no architecture named {name_or_mapping!r}"
                f"{_suggestion(name_or_mapping, ARCHITECTURES)}; "
                f"the named ones are {', '.join(ARCHITECTURES)}, "
                "others are given by fairseq's configuration keys."
            )
        return ARCHITECTURES[name_or_mapping]
    if not isinstance(name_or_mapping, Mapping):
        raise InputError(
            "An architecture is a name or a mapping of fairseq's configuration keys, "
            f"not {type(name_or_mapping).__name__}."
        )
    return _from_mapping(name_or_mapping)


def _from_mapping(mapping: Mapping[str, object]) -> Architecture:
    fields = [field.name for field in dataclasses.fields(Architecture)]
    chosen: dict[str, object] = {}
    for key, value in mapping.items():
        if key in fields:
            chosen[key] = value
        elif key in FIXED_KEYS:
            if value != FIXED_KEYS[key]:
                raise InputError(
                    f"Architecture key {key} is {value!r}; this encoder has only "
                    f"{FIXED_KEYS[key]!r}."
                )
        elif key not in IGNORED_KEYS:
            known = [*fields, *FIXED_KEYS, *IGNORED_KEYS]
            raise InputError(
                f"Architecture key {key!r} is not one of fairseq's wav2vec 2.0 configuration"
                f"{_suggestion(str(key), known)}; correct or remove it."
            )
    layers = chosen.get("conv_feature_layers")
    if isinstance(layers, list | tuple):
        # YAML has lists of its own; the expression is the one form kept.
        chosen["conv_feature_layers"] = str([_as_tuple(layer) for layer in layers])
    return Architecture(**chosen)  # type: ignore[arg-type]  # types are checked on construction


def _as_tuple(layer: object) -> object:
    return tuple(layer) if isinstance(layer, list | tuple) else layer


def _convolution_list(node: ast.expr) -> list[tuple[int, int, int]]:
    if isinstance(node, ast.List | ast.Tuple):
        layers = [_convolution(element) for element in node.elts]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        layers = _convolution_list(node.left) + _convolution_list(node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        lists, times = (
            (node.right, node.left)
            if isinstance(node.left, ast.Constant)
            else (node.left, node.right)
        )
        part, count = _convolution_list(lists), _positive_integer(times)
        # Before repeating, so that no expression can ask for more memory than there is.
        if len(part) * count > MAXIMUM_CONVOLUTIONS:
            raise ValueError(f"more than {MAXIMUM_CONVOLUTIONS} layers")
        layers = part * count
    else:
        raise ValueError("only lists of (channels, kernel, stride), + and * are allowed")
    if len(layers) > MAXIMUM_CONVOLUTIONS:
        raise ValueError(f"more than {MAXIMUM_CONVOLUTIONS} layers")
    return layers


def _convolution(node: ast.expr) -> tuple[int, int, int]:
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 3:
        raise ValueError("each layer is (channels, kernel, stride)")
    channels, kernel, stride = (_positive_integer(element) for element in node.elts)
    return channels, kernel, stride


def _positive_integer(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0:
        return node.value
    raise ValueError("all numbers are positive integers")


def _check_type(key: str, value: object, kind: object) -> None:
    right = {
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
        str: isinstance(value, str),
    }
    assert isinstance(kind, type)
    if not right[kind]:
        hint = " (YAML reads 1e-6 as text: write 1.0e-6)" if kind is float else ""
        raise InputError(
            f"Architecture key {key} is {value!r}; it must be of type {kind.__name__}{hint}."
        )


_SIZES = (
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "conv_pos",
    "conv_pos_groups",
)
_LARGEST_SIZE = 1_000_000  # beyond any encoder; larger products would overflow
_PROBABILITIES = (
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "encoder_layerdrop",
    "dropout_input",
    "dropout_features",
)


def _check_values(chosen: Architecture) -> None:
    """Refuse values of the right type that no encoder can be made of."""
    if chosen.extractor_mode not in ("default", "layer_norm"):
        raise InputError(
            f"Architecture key extractor_mode is {chosen.extractor_mode!r}; "
            "it must be default (group norm) or layer_norm."
        )
    if chosen.activation_fn not in ACTIVATIONS:
        raise InputError(
            f"Architecture key activation_fn is {chosen.activation_fn!r}; "
            f"it must be one of {', '.join(ACTIVATIONS)}."
        )
    _check_sizes(chosen)
    for key in _PROBABILITIES:
        if not 0 <= getattr(chosen, key) < 1:
            raise InputError(
                f"Architecture key {key} is {getattr(chosen, key)}; "
                "a probability is at least 0 and below 1."
            )
    if not 0 <= chosen.feature_grad_mult < float("inf"):
        raise InputError(
            f"Architecture key feature_grad_mult is {chosen.feature_grad_mult}; "
            "it must be finite and not negative."
        )
    parse_convolutions(chosen.conv_feature_layers)


def _check_sizes(chosen: Architecture) -> None:
    for key in _SIZES:
        if not 1 <= getattr(chosen, key) <= _LARGEST_SIZE:
            raise InputError(
                f"Architecture key {key} is {getattr(chosen, key)}; it must be >= 1 and at most "
                f"{_LARGEST_SIZE}."
            )
    # Each head, and each group of the positional convolution, takes the same share of the width.
    for key in ("encoder_attention_heads", "conv_pos_groups"):
        if chosen.encoder_embed_dim % getattr(chosen, key):
            raise InputError(
                f"Architecture key {key} is {getattr(chosen, key)}; it must divide "
                f"encoder_embed_dim, {chosen.encoder_embed_dim}."
            )


def _suggestion(word: str, known: "Mapping[str, object] | list[str]") -> str:
    close = difflib.get_close_matches(word, list(known), n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _shorten(text: str, length: int = 80) -> str:
    return repr(text if len(text) <= length else text[: length - 3] + "...")


def _large(
    layers: int, width: int, inner: int, dropout_input: float = 0.0, *, conv_bias: bool = True
) -> Architecture:
    # The common shape of XLS-R, MMS, HuBERT: pre-norm, layer-norm extractor, no dropout inside.
    return Architecture(
        extractor_mode="layer_norm",
        encoder_layers=layers,
        encoder_embed_dim=width,
        encoder_ffn_embed_dim=inner,
        encoder_attention_heads=16,
        dropout=0.0,
        attention_dropout=0.0,
        layer_norm_first=True,
        conv_bias=conv_bias,
        dropout_input=dropout_input,
        dropout_features=dropout_input,
    )


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "w2v_small": Architecture(
            encoder_layerdrop=0.05, dropout_input=0.1, dropout_features=0.1, feature_grad_mult=0.1
        ),
        "w2v_large": _large(24, 1024, 4096),
        "mms_300m": _large(24, 1024, 4096),
        "mms_1b": _large(48, 1280, 5120, dropout_input=0.1),
        "xlsr_1b": _large(48, 1280, 5120, dropout_input=0.1),
        "xlsr_2b": _large(48, 1920, 7680, dropout_input=0.1),
        "hubert_xl": _large(48, 1280, 5120, conv_bias=False),
    }
)
