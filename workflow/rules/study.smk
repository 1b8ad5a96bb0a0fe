# The material of the study: Debian packages as they are pinned, and corpora of what is in them.
STUDY = config.get("study", {})
PACKAGE_FOLDER = f"{config['data_root']}/packages"


localrules:
    fetch_study_packages,


# Downloads and what they unpack to stay undeclared: what is there, and whole, is not fetched again.
rule fetch_study_packages:
    input:
        STUDY.get("packages", []),
    output:
        tree.STUDY_LICENCES,
    log:
        f"{tree.LOGS}/fetch_study_packages.log",
    conda:
        "../../envs/sdd.yaml"
    params:
        downloads=f"{config['download_folder']}/debian",
        unpacked=PACKAGE_FOLDER,
        code=code_digest("fetch_study_packages"),
    message:
        "Fetching Debian packages into {params.downloads}"
    script:
        "../scripts/fetch_study_packages.py"


# The FLAC files stay undeclared: a run that was killed goes on where it was.
rule make_study_corpus:
    input:
        packages=STUDY.get("packages", []),
        licences=tree.STUDY_LICENCES,
    output:
        f"{config['data_root']}/{{corpus}}.csv",
    log:
        f"{tree.LOGS}/make_study_corpus/{{corpus}}.log",
    wildcard_constraints:
        corpus=one_of(study_corpora()),
    conda:
        "../../envs/sdd.yaml"
    threads: config["threads"]["prepare"]
    resources:
        mem="4G",
        runtime="12h",
    params:
        root=lambda wildcards: config["data_root"],
        unpacked=PACKAGE_FOLDER,
        seed=STUDY.get("seed"),
        scale=STUDY.get("scale"),
        code=code_digest("make_study_corpus"),
    message:
        "Making corpus {wildcards.corpus} of the study"
    script:
        "../scripts/make_study_corpus.py"
