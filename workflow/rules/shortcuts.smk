# Whether trivial features tell real from fake: of any corpus, and no input of any result.
rule measure_features:
    input:
        segments=tree.SEGMENTS,
        prepared=lambda wildcards: prepared(wildcards.set),
    output:
        tree.FEATURES,
    log:
        f"{tree.LOGS}/measure_features/{{set}}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        runtime="4h",
    params:
        audio=audio_folder,
        code=code_digest("measure_features"),
    message:
        "Measuring trivial features of {wildcards.set}"
    script:
        "../scripts/measure_features.py"


rule measure_shortcuts:
    input:
        features=expand(tree.FEATURES, set=EXPERIMENT.shortcut_sets()),
        tables=expand(tree.SEGMENTS, set=EXPERIMENT.shortcut_sets()),
    output:
        csv=tree.SHORTCUTS,
        page=tree.fill(tree.INVENTORY_PAGE, page="shortcuts"),
    log:
        f"{tree.LOGS}/measure_shortcuts.log",
    conda:
        "../../envs/sdd.yaml"
    resources:
        runtime="4h",
    params:
        settings=settings.shortcuts(EXPERIMENT),
        labels=contents.labels(EXPERIMENT),
        code=code_digest("measure_shortcuts"),
    message:
        "Telling real from fake by trivial features"
    script:
        "../scripts/measure_shortcuts.py"


rule shortcuts:
    input:
        tree.SHORTCUTS,
