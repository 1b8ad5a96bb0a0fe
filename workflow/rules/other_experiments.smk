# Files of another experiment than the config's: Snakemake would say no more than that no rule makes
# them.
rule another_experiment:
    input:
        refuse_other_experiment,
    output:
        f"{tree.folder('{other}')}/{{file}}",
    wildcard_constraints:
        other=name_of_another(),
        file=".+",
