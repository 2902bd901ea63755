cwlVersion: v1.0
class: Workflow
$namespaces: {reana: "https://www.reana.io"}
hints:
  # where there is CVMFS
  reana:
    compute_backend: htcondorcern
    htcondor_max_runtime: espresso
requirements:
  ShellCommandRequirement: {}
  DockerRequirement: {dockerPull: "docker.io/library/debian:12"}
  EnvVarRequirement: {envDef: {INPUT: $(inputs.file.path)}}
inputs: {events: File}
outputs: {}
steps:
  one:
    hints:
      reana: {compute_backend: kubernetes, kerberos: true}
    run: wc.cwl
    in: {file: events}
    out: []
  two:
    hints:
      - class: reana
        kubernetes_memory_limit: 1Gi
    requirements:
      - class: EnvVarRequirement
        envDef: {A: b}
    run: wc.cwl
    in:
      file: events
    out: []
  three: {run: wc.cwl, in: {file: events}, out: []}
