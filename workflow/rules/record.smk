# What a run has reached, kept small (sdd.analysis.run_record), and put back on another machine. No
# rule's input: `keep_record` may be asked for at any time, beside a run with --nolock.
localrules:
    keep_record,
    restore_record,


rule keep_record:
    log:
        f"{tree.LOGS}/keep_record.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        results=results_folder,
        record=record_folder,
        checkpoints=["/".join(checkpoint) for checkpoint in TRAINED],
        config=settings.recorded(EXPERIMENT),
        made_by=lambda wildcards: codes_of_record(),
        code=code_digest("keep_record"),
    message:
        "Keeping the record of {EXPERIMENT.name}"
    script:
        "../scripts/keep_record.py"


rule restore_record:
    log:
        f"{tree.LOGS}/restore_record.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        results=results_folder,
        record=record_folder,
        config=settings.recorded(EXPERIMENT),
        made_by=lambda wildcards: codes_of_record(),
        code=code_digest("restore_record"),
    message:
        "Restoring the record of {EXPERIMENT.name}"
    script:
        "../scripts/restore_record.py"
