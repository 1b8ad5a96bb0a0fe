# Files of another experiment than the config's: Snakemake would say no more than that no rule makes
# them.
import re


def folders_of_inputs():
    """The experiments that own corpora are read from, beside this one."""
    paths = [
        Path(corpus["path"].replace("$ROOT", config["data_root"]))
        for corpus in config["corpora"].values()
        if "path" in corpus
    ]
    return [
        re.escape(path.parts[1])
        for path in paths
        if path.parts[0] == RESULTS.parts[0] and len(path.parts) > 2
    ]


def refuse_other_experiment(wildcards):
    raise WorkflowError(contents.belongs_to_another(EXPERIMENT, wildcards.other))


rule another_experiment:
    input:
        refuse_other_experiment,
    output:
        f"{tree.folder('{other}')}/{{file}}",
    wildcard_constraints:
        other=f"(?!(?:{'|'.join([EXPERIMENT.name, *folders_of_inputs()])})/)[^/]+",
        file=".+",
