# From corpora as released to tables of segments. Corpora are no inputs, so that the whole
# experiment can be planned before any of them is there.
localrules:
    generate_toy_corpora,
    write_protocol,
    cut_segments,


rule generate_toy_corpora:
    output:
        "<results>/toy_corpora.txt",
    log:
        "<results>/logs/generate_toy_corpora.log",
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
            ["<results>/toy_corpora.txt"] if "toy" in config else [],
        log:
            f"<results>/logs/check_{name}.log",
        conda:
            "../../envs/sdd.yaml"
        threads: config["threads"]["prepare"]
        resources:
            mem="8G",
            runtime="12h",
        params:
            corpora={
                corpus: {
                    **EXPERIMENT.reader(corpus),
                    "allowed": EXPERIMENT.unreadable_sources(corpus),
                }
                for corpus in corpora
            },
            root=config["data_root"],
            folder=f"results/{EXPERIMENT.name}/inventory",
            page=name,
        message:
            f"Looking at {', '.join(corpora)}"
        script:
            "../scripts/check_corpora.py"


rule write_protocol:
    input:
        source_of_corpus,
    output:
        "<results>/protocols/{corpus}.csv",
    log:
        "<results>/logs/write_protocol/{corpus}.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        reader=lambda wildcards: EXPERIMENT.reader(wildcards.corpus),
        allowed=lambda wildcards: EXPERIMENT.unreadable_sources(wildcards.corpus),
        root=config["data_root"],
        code=code_digest("write_protocol"),
    message:
        "Reading corpus {wildcards.corpus}"
    script:
        "../scripts/write_protocol.py"


# The FLAC files stay undeclared: Snakemake deletes declared outputs of a job that fails, and hours
# of decoding with them.
rule prepare_audio:
    input:
        "<results>/protocols/{corpus}.csv",
    output:
        "<results>/audio/{corpus}.csv",
    log:
        "<results>/logs/prepare_audio/{corpus}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem_mb=memory(needs_of_preparation),
        runtime=runtime(needs_of_preparation),
    params:
        root=config["data_root"],
        allowed=lambda wildcards: EXPERIMENT.unreadable_sources(wildcards.corpus),
        code=code_digest("prepare_audio"),
    message:
        "Decoding corpus {wildcards.corpus} to 16 kHz"
    script:
        "../scripts/prepare_audio.py"


rule cut_segments:
    input:
        protocol=lambda wildcards: f"<results>/protocols/{EXPERIMENT.corpus(wildcards.set)}.csv",
        audio=lambda wildcards: f"<results>/audio/{EXPERIMENT.corpus(wildcards.set)}.csv",
    output:
        "<results>/segments/{set}.parquet",
    log:
        "<results>/logs/cut_segments/{set}.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        set=lambda wildcards: config["sets"][wildcards.set],
        min_seconds=config["min_seconds"],
        code=code_digest("cut_segments"),
    message:
        "Cutting set {wildcards.set}"
    script:
        "../scripts/cut_segments.py"


# Segments as files, for other tools. The FLAC files stay undeclared, as those of prepare_audio.
rule materialise_segments:
    input:
        segments="<results>/segments/{set}.parquet",
    output:
        "<results>/segments/{set}/protocol.csv",
    log:
        "<results>/logs/materialise_segments/{set}.log",
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    params:
        audio=f"results/{EXPERIMENT.name}/audio",
        code=code_digest("materialise_segments"),
    message:
        "Writing the segments of {wildcards.set} as files"
    script:
        "../scripts/materialise_segments.py"
