# From corpora as released to tables of segments. Corpora are no inputs, so that the whole
# experiment can be planned before any of them is there.
localrules:
    generate_toy_corpora,
    write_protocol,
    cut_segments,


rule generate_toy_corpora:
    output:
        tree.TOY_CORPORA,
    log:
        f"{tree.LOGS}/generate_toy_corpora.log",
    conda:
        "../../envs/sdd.yaml"
    threads: 2
    params:
        root=config["data_root"],
        toy=config.get("toy"),
        code=code_digest("generate_toy_corpora"),
    message:
        "Generating toy corpora in {params.root}"
    script:
        "../scripts/generate_toy_corpora.py"


# Whether what is on disk is what the experiment needs: of all corpora, or of one. They have no
# output that Snakemake knows, so they always look, and the page is there when they fail.
for name, corpora in {
    **EXPERIMENT.each_corpus(),
    "corpora": EXPERIMENT.corpora(),
}.items():

    rule:
        name:
            f"check_{name}"
        input:
            toy_corpora(),
            study_corpora_files(corpora),
        log:
            f"{tree.LOGS}/check_{name}.log",
        conda:
            "../../envs/sdd.yaml"
        threads: config["threads"]["prepare"]
        resources:
            mem="8G",
            runtime="12h",
        params:
            corpora={
                corpus: {
                    **settings.reader(EXPERIMENT, corpus),
                    "allowed": settings.unreadable_sources(EXPERIMENT, corpus),
                }
                for corpus in corpora
            },
            root=config["data_root"],
            journals={
                corpus: str(tree.path(tree.INVENTORY, RESULTS, corpus=corpus))
                for corpus in corpora
            },
            page=str(tree.path(tree.INVENTORY_PAGE, RESULTS, page=name)),
            shortcuts=str(tree.path(tree.SHORTCUTS, RESULTS)),
            labels=contents.labels(EXPERIMENT),
        message:
            f"Looking at {', '.join(corpora)}"
        script:
            "../scripts/check_corpora.py"


# Protocols and audio tables end what follows if they come out as they were. Snakemake runs all that
# follows a job that runs; so what follows takes them as ancient, with a digest of their content as a
# parameter, a checkpoint has that parameter looked at again once it is done, and update() leaves the
# old file there meanwhile; a failed attempt is a parameter, too, and who reads audio waits for it
# (docs/architecture.md, "What reruns when which file changes").
checkpoint write_protocol:
    input:
        source_of_corpus,
    output:
        update(tree.PROTOCOL),
    log:
        f"{tree.LOGS}/write_protocol/{{corpus}}.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        reader=lambda wildcards: settings.reader(EXPERIMENT, wildcards.corpus),
        allowed=lambda wildcards: settings.unreadable_sources(
            EXPERIMENT, wildcards.corpus
        ),
        root=config["data_root"],
        attempt=attempts_of(tree.PROTOCOL_ATTEMPT),
        attempt_file=file_of(tree.PROTOCOL_ATTEMPT),
        code=code_digest("write_protocol"),
    message:
        "Reading corpus {wildcards.corpus}"
    script:
        "../scripts/write_protocol.py"


# The FLAC files stay undeclared: Snakemake deletes declared outputs of a job that fails, and hours
# of decoding with them.
checkpoint prepare_audio:
    input:
        toy_corpora(),
        protocol=ancient(tree.PROTOCOL),
    output:
        update(tree.AUDIO),
    log:
        f"{tree.LOGS}/prepare_audio/{{corpus}}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory(needs_of_preparation),
        runtime=runtime(needs_of_preparation),
    params:
        root=config["data_root"],
        audio=audio_folder,
        allowed=lambda wildcards: settings.unreadable_sources(
            EXPERIMENT, wildcards.corpus
        ),
        protocol=digests_of(tree.PROTOCOL),
        attempt=attempts_of(tree.AUDIO_ATTEMPT),
        attempt_file=file_of(tree.AUDIO_ATTEMPT),
        code=code_digest("prepare_audio"),
    message:
        "Decoding corpus {wildcards.corpus} to 16 kHz"
    script:
        "../scripts/prepare_audio.py"


rule cut_segments:
    input:
        protocol=protocol_of_set,
        audio=audio_of_set,
    output:
        tree.SEGMENTS,
    log:
        f"{tree.LOGS}/cut_segments/{{set}}.log",
    wildcard_constraints:
        set=one_of(name for name in config["sets"] if name not in CONDITIONED),
    conda:
        "../../envs/sdd.yaml"
    params:
        set=lambda wildcards: settings.part(EXPERIMENT, wildcards.set),
        min_seconds=config["min_seconds"],
        audio=audio_folder,
        made_of=digests_of(tree.PROTOCOL, tree.AUDIO),
        code=code_digest("cut_segments"),
    message:
        "Cutting set {wildcards.set}"
    script:
        "../scripts/cut_segments.py"


# Segments whose audio is made anew. The FLAC files stay undeclared, as those of prepare_audio.
rule apply_condition:
    input:
        protocol=protocol_of_set,
        audio=audio_of_set,
    output:
        tree.SEGMENTS,
    log:
        f"{tree.LOGS}/apply_condition/{{set}}.log",
    wildcard_constraints:
        set=one_of(CONDITIONED),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory(needs_of_remaking),
        runtime=runtime(needs_of_remaking),
    params:
        set=lambda wildcards: settings.part(EXPERIMENT, wildcards.set),
        condition=lambda wildcards: EXPERIMENT.condition(wildcards.set),
        as_mp3=False,
        place=lambda wildcards: settings.place(
            EXPERIMENT, wildcards.set, tree.CONDITION_FOLDER
        ),
        min_seconds=config["min_seconds"],
        root=config["data_root"],
        audio=audio_folder,
        made_of=digests_of(tree.PROTOCOL, tree.AUDIO),
        code=code_digest("remake_segments"),
    message:
        "Putting set {wildcards.set} under its condition"
    script:
        "../scripts/remake_segments.py"


# For recipes with encode_mp3_again.
rule encode_mp3_again:
    input:
        protocol=protocol_of_set,
        audio=audio_of_set,
    output:
        tree.MP3_SEGMENTS,
    log:
        f"{tree.LOGS}/encode_mp3_again/{{set}}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory(needs_of_remaking),
        runtime=runtime(needs_of_remaking),
    params:
        set=lambda wildcards: settings.part(EXPERIMENT, wildcards.set),
        condition=lambda wildcards: EXPERIMENT.condition(wildcards.set),
        as_mp3=True,
        place=lambda wildcards: settings.place(
            EXPERIMENT, wildcards.set, tree.MP3_FOLDER
        ),
        min_seconds=config["min_seconds"],
        root=config["data_root"],
        audio=audio_folder,
        made_of=digests_of(tree.PROTOCOL, tree.AUDIO),
        code=code_digest("remake_segments"),
    message:
        "Encoding mp3 segments of {wildcards.set} again"
    script:
        "../scripts/remake_segments.py"


# Segments as files, for other tools. The FLAC files stay undeclared, as those of prepare_audio.
rule materialise_segments:
    input:
        segments=tree.SEGMENTS,
        prepared=lambda wildcards: prepared(wildcards.set),
    output:
        tree.SEGMENT_FILES,
    log:
        f"{tree.LOGS}/materialise_segments/{{set}}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    params:
        audio=audio_folder,
        code=code_digest("materialise_segments"),
    message:
        "Writing the segments of {wildcards.set} as files"
    script:
        "../scripts/materialise_segments.py"
