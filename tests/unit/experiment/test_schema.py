"""Both shipped configurations are valid; a mistake is answered by file, key, value and remedy."""

import re
from copy import deepcopy

import jsonschema
import pytest
import yaml

from sdd.errors import InputError
from sdd.experiment.consistency import check_experiment
from sdd.experiment.experiment import Experiment
from sdd.experiment.schema import check_config, did_you_mean
from tests.helpers.experiments import DEMO, PAPER, merge
from tests.helpers.paths import CHECKOUT

SCHEMA = CHECKOUT / "workflow/schemas/config.schema.yaml"
FILES = ("config.yaml", "my/config.yaml")


def check(config):
    check_config(config, SCHEMA, FILES)
    check_experiment(Experiment(config), FILES)


def error_of(overlay, base=PAPER):
    """Lay YAML text over a shipped configuration and give the message that answers it."""
    with pytest.raises(InputError) as caught:
        check(merge(base, yaml.safe_load(overlay)))
    message = str(caught.value)
    assert message.startswith("config.yaml + my/config.yaml: ")
    assert "\n" not in message
    return message.removeprefix("config.yaml + my/config.yaml: ")


def test_both_shipped_configurations_are_valid():
    check(PAPER)
    check(DEMO)


def test_checking_changes_nothing():
    config = deepcopy(DEMO)
    check(config)
    assert config == DEMO


def test_demo_runs_the_paper_s_experiment():
    """Only models, scale and machine differ: rows, test sets and switches are the paper's."""
    models = dict(
        zip(["tiny_l", "tiny_m", "tiny_s"], ["xlsr_2b", "mms_1b", "mms_300m"], strict=True)
    )
    rows = [{**row, "model": models[row["model"]]} for row in DEMO["rows"]]
    assert rows == PAPER["rows"]
    for key in ("training_set", "validation_set", "reference_set", "objectives"):
        assert DEMO[key] == PAPER[key]
    for key in ("in_domain", "out_of_domain"):
        assert DEMO[key]["sets"] == PAPER[key]["sets"]
    scale = {
        *("crop", "learning_rate", "warm_up_steps", "schedule_steps", "decay_factor"),
        *("old_policy_every", "max_steps", "epochs", "validate_every", "batch_seconds", "buckets"),
        "rawboost",
    }
    for name, recipe in PAPER["recipes"].items():
        assert {key for key in recipe if DEMO["recipes"][name][key] != recipe[key]} <= scale


# Each mistake, and the words that must stand in the answer: key or row, value, remedy.
MISTAKES = {
    "checkpoint of the hub without a revision": (
        'models: {mms_1b: {checkpoints: {post: {source: "hf://lab/name"}}}}',
        "models.mms_1b.checkpoints.post.source: 'hf://lab/name' is not an address on the hub",
        "hf://owner/name@revision[/file]",
    ),
    # ------------------------------------------------------------------------ mistyped keys
    "key": ("roundz: 3", "unknown key 'roundz'", "did you mean rounds?"),
    "nested key": (
        "recipes: {as_written: {learning_rat: 1.0e-6}}",
        "recipes.as_written: unknown key 'learning_rat'",
        "did you mean learning_rate?",
    ),
    "key of a corpus": ("corpora: {dv: {readr: x}}", "corpora.dv: ", "'readr'", "reader?"),
    "key of an objective": (
        "objectives: {grpo: {epsilom: 0.1}}",
        "objectives.grpo: unknown key 'epsilom'",
        "did you mean epsilon?",
    ),
    "a word that is no budget": (
        "scoring: {batch_seconds: fast}",
        "scoring.batch_seconds",
        "fast",
        "auto",
    ),
    "key that is like none": ("scoring: {zzz: 1}", "scoring: ", "'zzz'", "known: batch_seconds"),
    "key of sft": (
        "objectives: {sft: {epsilon: 1.0}}",
        "objectives.sft: unknown key 'epsilon'",
        "known: beta, kind, kl, switches, trainable",
    ),
    "penalty without its kind": (
        "objectives: {sft: {beta: 1.0}}",
        "objectives.sft: key 'beta' needs key 'kl' beside it",
    ),
    "what is trained": (
        "objectives: {sft: {trainable: backend}}",
        "objectives.sft.trainable: 'backend' is not allowed",
        "did you mean back_end?",
    ),
    "module of LoRA": (
        "objectives: {sft: {trainable: {lora: {rank: 2, alpha: 2, modules: [q]}}}}",
        "objectives.sft.trainable.lora.modules.0: 'q' is not allowed",
    ),
    "switch that is no objective's": (
        "objectives: {sft: {switches: {rawboost: 0}}}",
        "objectives.sft.switches: unknown key 'rawboost'",
        "known: advantage, labels_from",
    ),
    "checkpoint": (
        "models: {mms_1b: {checkpoints: {pots: {source: x}}}}",
        "models.mms_1b.checkpoints: unknown key 'pots'",
        "did you mean post?",
    ),
    "missing key": ("toy: {seed: 1}", "toy: ", "key 'scale' is missing"),
    "missing key of grpo": (
        "objectives: {mine: {kind: grpo}}",
        "objectives.mine: key 'group_size' is missing",
    ),
    "missing key of a new recipe": (
        "recipes: {mine: {rawboost: 5}}",
        "recipes.mine: key 'round_seeds' is missing",
    ),
    "title of no algorithm": ("algorithm_titles: {grop: X}", "algorithm_titles", "'grop'", "grpo?"),
    "hours of no set": (
        "resources: {audio_hours: {itv: 1}}",
        "resources.audio_hours",
        "'itv'",
        "itw?",
    ),
    "key of a condition": (
        "sets: {itw: {condition: {codek: gsm}}}",
        "sets.itw.condition: unknown key 'codek'",
        "did you mean codec?",
    ),
    "codec": (
        "sets: {itw: {condition: {codec: opsu, bitrate: 16k}}}",
        "sets.itw.condition.codec: 'opsu' is not allowed",
        "did you mean opus?",
    ),
    "bit rate that a codec does not have": (
        "sets: {itw: {condition: {codec: opus, bitrate: 600k}}}",
        "sets.itw.condition.bitrate: '600k' is none that opus has",
        "6k to 256k",
    ),
    "bit rate that is none": (
        "sets: {itw: {condition: {codec: opus, bitrate: fast}}}",
        "sets.itw.condition.bitrate: 'fast': does not match",
    ),
    "bit rate without a codec": (
        "sets: {itw: {condition: {bitrate: 16k}}}",
        "sets.itw.condition: key 'bitrate' needs key 'codec' beside it",
    ),
    "noise without a level": (
        "sets: {itw: {condition: {noise: white}}}",
        "sets.itw.condition: key 'noise' needs key 'snr' beside it",
    ),
    "level of noise in words": (
        "sets: {itw: {condition: {noise: white, snr: 20dB}}}",
        "sets.itw.condition.snr: '20dB' is text, not a number",
    ),
    "band that is none": (
        "sets: {itw: {condition: {resample: 16000}}}",
        "sets.itw.condition.resample: 16000: is greater than the maximum of 15999",
    ),
    "condition that is none": ("sets: {itw: {condition: {}}}", "sets.itw.condition: {}"),
    # -------------------------------------------------------------------------- wrong types
    "exponent without a point": (
        "recipes: {as_written: {learning_rate: 1e-6}}",
        "recipes.as_written.learning_rate: '1e-6' is text, not a number",
        "1.0e-6",
    ),
    "exponent without a sign": (
        "recipes: {as_written: {max_gradient_norm: 1.0e2}}",
        "recipes.as_written.max_gradient_norm: '1.0e2' is text, not a number",
        "1.0e+6",
    ),
    "number as text": (
        "save_state_minutes: ten",
        "save_state_minutes: 'ten' is text, not a number; write it without quotes",
    ),
    "integer as text": ("rounds: '3'", "rounds: '3' has the wrong type", "must be integer"),
    "truth for a number": ("seed: true", "seed: True has the wrong type", "must be integer"),
    "text for a truth value": (
        "recipes: {as_written: {dropout: 'off'}}",
        "recipes.as_written.dropout: 'off' has the wrong type",
        "must be boolean",
    ),
    "scalar for a list": ("leave_out: dv", "leave_out: 'dv' has the wrong type", "must be array"),
    "list for an architecture": (
        "models: {mms_1b: {architecture: [1]}}",
        "models.mms_1b.architecture: [1] has the wrong type",
        "string or object",
    ),
    "number as a name": ("sets: {4: {corpus: itw}}", "sets: 4 has the wrong type", "string"),
    "too small": ("rounds: 0", "rounds: 0", "less than the minimum of 1"),
    "name with a space": ("name: my run", "name: 'my run'", "does not match"),
    "name of a folder above": ("name: ..", "name: '..'", "does not match"),
    "device": ("device: gpu", "device: 'gpu'", "auto|cpu|cuda"),
    "digest": (
        "models: {mms_1b: {checkpoints: {post: {digest: 'md5:12'}}}}",
        "models.mms_1b.checkpoints.post.digest: 'md5:12'",
    ),
    "no rows": ("rows: []", "rows: []", "non-empty"),
    # ------------------------------------------------------------------------ unknown names
    "choice": (
        "recipes: {as_written: {advantage: bach}}",
        "recipes.as_written.advantage: 'bach' is not allowed",
        "did you mean batch?",
    ),
    "init": (
        "rows: [{model: mms_1b, init: mid, algorithm: sft}]",
        "init: 'mid' is not allowed",
        "known: post, pre",
    ),
    "recipe": ("recipe: as_writen", "recipe: 'as_writen'", "did you mean as_written?"),
    "model": (
        "rows: [{model: xlsr_2, init: post, algorithm: sft}]",
        "rows, row 1, model: 'xlsr_2' is not defined",
        "did you mean xlsr_2b?",
    ),
    "algorithm": (
        "rows: [{model: mms_1b, init: post, algorithm: sft},"
        " {model: mms_1b, init: post, algorithm: grop}]",
        "rows, row 2, algorithm: 'grop' is not defined",
        "did you mean grpo?",
    ),
    "objective of a stage": (
        "algorithms: {sft-grpo: [sft, gpro]}",
        "algorithms.sft-grpo: 'gpro' is not defined",
        "did you mean grpo?",
    ),
    "kind of an objective": (
        "objectives: {grpo: {kind: grop}}",
        "objectives.grpo.kind: 'grop' is not allowed",
        "did you mean grpo?",
    ),
    "in-domain test set": ("in_domain: {sets: [dfe24_5s]}", "in_domain.sets: 'dfe24_5s'", "mean"),
    "out-of-domain test set": ("out_of_domain: {sets: [fro]}", "out_of_domain.sets: 'fro'", "for?"),
    "training set": ("training_set: dfe_train", "training_set: 'dfe_train'", "dfe24_train?"),
    "validation set": ("validation_set: asv_dev", "validation_set: 'asv_dev'", "asv19_dev?"),
    "reference set": ("reference_set: asv_fake", "reference_set: 'asv_fake'", "asv19_dev_fake?"),
    "corpus of a set": ("sets: {itw: {corpus: itv}}", "sets.itw.corpus: 'itv'", "mean itw?"),
    "corpus left out": ("leave_out: [itv]", "leave_out: 'itv'", "did you mean itw?"),
    "corpus scored together": (
        "scoring: {together: {small: [addd23]}}",
        "scoring.together: 'addd23'",
        "did you mean add23?",
    ),
    "reader": (
        "corpora: {mine: {reader: cvs, path: mine.csv}}",
        "corpora.mine.reader: 'cvs' is not allowed",
        "did you mean csv?",
    ),
    "model of the drift": ("drift: {model: xlsr}", "drift.model: 'xlsr'", "xlsr_2b?"),
    "algorithm of a panel": (
        "drift: {panels: {b: [none, grpo_beta]}}",
        "drift.panels.b: 'grpo_beta'",
        "did you mean grpo_beta",
    ),
    "clusters": (
        "corpora: {itw: {clusters: speakers}}",
        "corpora.itw.clusters",
        "speaker",
    ),
    "pattern of clusters": (
        'corpora: {dv: {clusters: {pattern: "(.+", drawn: voices}}}',
        "corpora.dv.clusters.pattern: '(.+' is no regular expression",
        "unterminated",
    ),
    "groups of a pattern": (
        'corpora: {dv: {clusters: {pattern: ".+-original", drawn: voices}}}',
        "corpora.dv.clusters.pattern: '.+-original' has 0 groups",
        "put parentheses around",
    ),
    # --------------------------------------------------------------- what does not fit together
    "duplicate row": (
        "rows: [{model: mms_1b, init: post, algorithm: sft},"
        " {model: mms_1b, init: post, algorithm: grpo},"
        " {model: mms_1b, init: post, algorithm: sft}]",
        "rows, row 3: mms_1b post sft stands in row 1 already",
        "remove one",
    ),
    "pre-trained without fine-tuning": (
        "rows: [{model: mms_1b, init: pre, algorithm: none}]",
        "rows, row 1: ",
        "no back end",
        "choose init post or another algorithm",
    ),
    "init without a checkpoint": (
        "models: {new: {architecture: mms_1b, checkpoints: {post: {source: x}}}}\n"
        "rows: [{model: new, init: pre, algorithm: sft}]",
        "rows, row 1, init (checkpoints of new): 'pre' is not defined",
        "known: post",
    ),
    "training corpus left out": (
        "leave_out: [dfe24]",
        "leave_out: 'dfe24' is the corpus of the training_set 'dfe24_train'",
        "choose another training_set or keep the corpus",
    ),
    "validation corpus left out": (
        "leave_out: [asv19]",
        "leave_out: 'asv19' is the corpus of the validation_set 'asv19_dev'",
        "choose another validation_set",
    ),
    "set in both domains": (
        "out_of_domain: {sets: [itw, dfe24_4s]}",
        "out_of_domain.sets: 'dfe24_4s' is an in-domain set too",
        "keep it in one",
    ),
    "set twice": ("in_domain: {sets: [itw, itw]}", "in_domain.sets: ['itw', 'itw']", "non-unique"),
    "no test set": (
        "in_domain: {sets: []}\nout_of_domain: {sets: [dv]}\nleave_out: [dv]",
        "in_domain.sets, out_of_domain.sets: no test set is left",
    ),
    "training on one class": (
        "training_set: asv19_dev_fake",
        "training_set: 'asv19_dev_fake' has only fake utterances",
        "choose a set without `label: fake`",
    ),
    "validation on one class": (
        "validation_set: asv19_dev_fake",
        "validation_set: 'asv19_dev_fake' has only fake utterances",
    ),
    "test set of one class": (
        "sets: {itw: {label: real}}",
        "out_of_domain.sets: 'itw' has only real utterances",
    ),
    "reference without fakes": (
        "sets: {asv19_dev_fake: {label: real}}",
        "reference_set: 'asv19_dev_fake' has only real utterances",
    ),
    "csv without a path": ("corpora: {mine: {reader: csv}}", "corpora.mine: key 'path' is missing"),
    "folders without a folder": (
        "corpora: {mine: {reader: folders, real: a}}",
        "corpora.mine: key 'fake' is missing",
    ),
    "path of another reader": (
        "corpora: {itw: {path: x}}",
        "corpora.itw.path does not belong here",
        "remove it",
    ),
    "folder of another reader": (
        "corpora: {mine: {reader: csv, path: x, real: y}}",
        "corpora.mine.real does not belong here",
    ),
    "crop shorter than the shortest": (
        "recipes: {as_released: {crop: {shortest: 13.5}}}",
        "recipes.as_released.crop: ",
        "'shortest': 13.5",
        "shortest <= longest <= longer_than",
    ),
    "crop longer than what is cropped": (
        "recipes: {as_written: {crop: {longest: 16.0}}}",
        "recipes.as_written.crop: ",
        "'longest': 16.0",
    ),
    "exact rollouts of coupled utterances": (
        "recipe: as_released\nobjectives: {grpo: {rollouts: exact}}",
        "objectives.grpo.rollouts: exact",
        "advantage: batch of recipe as_released",
        "rollouts: sampled",
    ),
    "exact rollouts of a cell of the figure only": (
        "recipe: as_released\nobjectives: {grpo: {rollouts: exact}}\n"
        "rows: [{model: xlsr_2b, init: post, algorithm: sft}]",
        "objectives.grpo.rollouts: exact",
    ),
    "first stages without a cell": (
        "algorithms: {grpo-sft-grpo: [grpo, sft, grpo]}\n"
        "rows: [{model: mms_1b, init: post, algorithm: grpo-sft-grpo}]",
        "algorithms.grpo-sft-grpo: its first stages ['grpo', 'sft'] are no algorithm",
        "add one, such as `grpo-sft: ['grpo', 'sft']`",
    ),
    "first stages of first stages without a cell": (
        "algorithms: {three: [grpo, sft, grpo], four: [grpo, sft, grpo, sft]}\n"
        "rows: [{model: mms_1b, init: post, algorithm: four}]",
        "algorithms.three: its first stages ['grpo', 'sft'] are no algorithm",
    ),
    "stages of a panel without a cell": (
        "algorithms: {late: [grpo_beta0, grpo_s, sft]}\ndrift: {panels: {c: [late]}}",
        "algorithms.late: its first stages ['grpo_beta0', 'grpo_s']",
    ),
    "trained checkpoint without a training": (
        "models: {mms_1b: {checkpoints: {post: {source: train}}}}",
        "models.mms_1b.checkpoints.post: source train",
        "checkpoint_training",
        "demo/config.yaml",
    ),
    "trained checkpoint of no row": (
        "models: {mms_1b: {checkpoints: {pre: {source: train}}}}",
        "models.mms_1b.checkpoints.pre: source train",
    ),
    "average of nothing": (
        "{objectives: {half: {kind: average, weight: 0.5}}, algorithms: {mine: [half]}}",
        "algorithms.mine: 'half' averages start and end of the stage before it",
        "such as [sft, average]",
    ),
    "average of an average": (
        "{objectives: {half: {kind: average, weight: 0.5}}, algorithms: {mine: [sft, half, half]}}",
        "algorithms.mine: 'half' averages start and end of the stage before it",
        "say other shares by its weight",
    ),
    "layers that a model lacks": (
        "objectives: {grpo: {trainable: {layers: [20, 30]}}}",
        "objectives.grpo.trainable.layers: [20, 30] are no layers of mms_300m, which has 24",
    ),
    "layers the wrong way round": (
        "objectives: {grpo: {trainable: {layers: [3, 2]}}}",
        "objectives.grpo.trainable.layers: [3, 2] are no layers of xlsr_2b",
    ),
    "exact rollouts of an objective that goes by the batch": (
        "objectives: {grpo: {rollouts: exact, switches: {advantage: batch}}}",
        "objectives.grpo.rollouts: exact has no closed form with advantage: batch",
    ),
    "group with the name of a corpus": (
        "scoring: {together: {itw: [dv]}}",
        "scoring.together: 'itw' is the name of a corpus too",
        "name the group otherwise",
    ),
    "corpus in two groups": (
        "scoring: {together: {a: [dv], b: [itw, dv]}}",
        "scoring.together: 'dv' stands twice",
        "keep it in one group",
    ),
}


@pytest.mark.parametrize(
    ("overlay", "words"), [(m[0], m[1:]) for m in MISTAKES.values()], ids=MISTAKES
)
def test_mistake_is_answered(overlay, words):
    message = error_of(overlay)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ("checkpoint_training: {training_set: toy_pots}", "training_set: 'toy_pots' toy_post?"),
        (
            "checkpoint_training: {pre: {training_set: toy_pots}}",
            "pre.training_set: 'toy_pots' toy_post?",
        ),
        ("checkpoint_training: {validation_set: asv_dev}", "validation_set: 'asv_dev' asv19_dev?"),
        ("checkpoint_training: {validation_set: asv19_dev_fake}", "validation_set: only fake"),
        ("checkpoint_training: {post: {crop: {shortest: 9.0}}}", "checkpoint_training.post.crop:"),
        ("checkpoint_training: {pre: {mask_probability: 1.5}}", "pre.mask_probability: 1.5"),
        ("checkpoint_training: {pre: {step: 2}}", "checkpoint_training.pre: 'step'; steps?"),
    ],
)
def test_mistake_in_checkpoint_training_is_answered(overlay, words):
    message = error_of(overlay, base=DEMO)
    assert message.startswith("checkpoint_training")
    assert [word for word in words.split() if word not in message] == [], message


def paths_to(value, path=()):
    """List the paths to values, down to the first of a list; an architecture is one value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, part in inner:
        yield (*path, key)
        if isinstance(part, dict | list) and key != "architecture":
            yield from paths_to(part, (*path, key))


def with_value(config, path, value):
    """Copy a configuration with another value at a path."""
    if not path:
        return value
    copy = dict(config) if isinstance(config, dict) else list(config)
    known = not isinstance(config, dict) or path[0] in config
    copy[path[0]] = with_value(config[path[0]] if known else None, path[1:], value)
    return copy


VALIDATOR = jsonschema.Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))


def test_every_value_has_a_type():
    """No value of the shipped configurations may be replaced by a nested list."""
    for path in paths_to(DEMO):
        assert not VALIDATOR.is_valid(with_value(DEMO, path, [[]])), path


def test_every_section_is_closed():
    """A key may be added only where keys are names of one's own, and must then look like these."""
    own = {"models", "corpora", "sets", "objectives", "algorithms", "algorithm_titles", "recipes"}
    open_sections = {(name,) for name in own} | {("scoring", "together"), ("drift", "panels")}
    open_sections.add(("resources", "audio_hours"))
    sections = [(), *(path for path in paths_to(DEMO) if path[-1] != "architecture")]
    for path in sections:
        section = DEMO
        for key in path:
            section = section[key]
        if isinstance(section, dict) and path not in open_sections:
            assert not VALIDATOR.is_valid(with_value(DEMO, (*path, "new"), 1)), path


def test_trained_post_needs_a_pre():
    config = deepcopy(DEMO)
    del config["models"]["tiny_s"]["checkpoints"]["pre"]
    with pytest.raises(InputError, match=re.escape("models.tiny_s.checkpoints: ")) as caught:
        check(config)
    assert "add pre" in str(caught.value)


@pytest.mark.parametrize("key", ["recipe", "rows", "reference_set", "device"])
def test_missing_key_is_named(key):
    config = {name: value for name, value in PAPER.items() if name != key}
    with pytest.raises(InputError, match=f"^config.yaml .*key '{key}' is missing$"):
        check(config)


def test_mistyped_key_is_named_before_the_one_that_is_missing():
    config = {("recipies" if key == "recipes" else key): value for key, value in PAPER.items()}
    with pytest.raises(InputError, match=r"unknown key 'recipies'; did you mean recipes\?"):
        check(config)


@pytest.mark.parametrize(
    "overlay",
    [
        "leave_out: [dv, itw]",
        "recipe: as_released",
        "objectives: {grpo: {rollouts: exact, kl: exact}}",
        # Without negatives an advantage is 0 or 1, whatever the other utterances do.
        "recipe: as_released\nobjectives: {grpo_noneg: {rollouts: exact, on_policy: true}}",
        "corpora: {mine: {reader: csv, path: mine.csv}}\n"
        "sets: {mine: {corpus: mine}}\nout_of_domain: {sets: [mine]}",
        "corpora: {mine: {reader: folders, real: a, fake: b}}",
        "algorithms: {sft-grpo-sft: [sft, grpo, sft]}\n"
        "rows: [{model: mms_1b, init: pre, algorithm: sft-grpo-sft}]",
        "scoring: {together: {small: [add23, for], rest: [dv, itw]}}",
        "recipes: {as_written: {learning_rate: 1.0e-6, crop: {shortest: 3.0}}}",
        "rows: [{model: mms_1b, init: post, algorithm: none}]",
        "device: cuda:1",
        "reference_set: asv19_dev",
    ],
)
def test_own_experiment_is_valid(overlay):
    check(merge(PAPER, yaml.safe_load(overlay)))


def test_message_without_files():
    with pytest.raises(InputError, match=r"^configuration: unknown key 'x'"):
        check_config({**PAPER, "x": 1}, SCHEMA, [])
    with pytest.raises(InputError, match=r"^recipe: 'x' is not defined"):
        check_experiment(Experiment({**PAPER, "recipe": "x"}))


def test_did_you_mean():
    assert did_you_mean("gpro", ["sft", "grpo"]) == "did you mean grpo?"
    assert did_you_mean("zzz", ["sft", "grpo"]) == "known: grpo, sft"
    assert did_you_mean("zzz", []) == "known: none"
