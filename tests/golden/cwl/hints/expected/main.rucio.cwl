# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
$namespaces: {reana: "https://www.reana.io"}
hints: {}
  # where there is CVMFS
requirements:
  DockerRequirement: {dockerPull: "docker.io/library/debian:12"}
  EnvVarRequirement: {envDef: {INPUT: $(inputs.file.path)}}
inputs: {}
outputs: {}
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - events
      - receipt
  one:
    hints:
      reana: {kerberos: true, compute_backend: "htcondorcern", htcondor_max_runtime: "espresso"}
    run: wc.cwl
    in: {file: rucio-stage-in/events}
    out: []
    requirements:
      ShellCommandRequirement: {}
  two:
    hints:
      - class: reana
        kubernetes_memory_limit: 1Gi
        compute_backend: htcondorcern
        htcondor_max_runtime: espresso
    requirements:
      - class: EnvVarRequirement
        envDef: {A: b}
      - class: ShellCommandRequirement
    run: wc.cwl
    in:
      file: rucio-stage-in/events
    out: []
  three: {run: wc.cwl, in: {file: rucio-stage-in/events}, out: [], hints: {"reana": {"compute_backend": "htcondorcern", "htcondor_max_runtime": "espresso"}}, requirements: {"ShellCommandRequirement": {}}}
