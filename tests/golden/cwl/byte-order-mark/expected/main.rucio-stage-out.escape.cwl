# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: CommandLineTool
'$namespaces':
  reana: https://www.reana.io/
doc: 'Files to Rucio, read back; the receipt is written last.'
hints:
  DockerRequirement:
    dockerPull: docker.io/reanahub/reana-auth-rucio:1.1.1
  reana:
    voms_proxy: true
    rucio: true
inputs:
  rucio_stage_program:
    type: File
    inputBinding:
      position: 1
      prefix: '--rucio_stage_program'
  plot:
    type: File
    inputBinding:
      position: 2
      prefix: '--plot'
outputs:
  receipt:
    type: File
    outputBinding:
      glob: rucio-stage-out.escape.json
stderr: rucio-stage-out.escape.log
baseCommand:
  - bash
  - '-c'
arguments:
  - |
    {
    stage=`TMPDIR=/tmp mktemp -d` || exit 3
    exec 3>&2 2>&1
    cat > "$stage/manifest.json" <<'END_OF_MANIFEST'
    {
     "format": 1,
     "action": "stage-out",
     "instance": {"name": "escape", "rucio_host": "https://escape-rucio.cern.ch", "auth_host": "https://escape-rucio-auth.cern.ch", "sidecar": "escape", "auth_type": "x509_proxy"},
     "receipt": "rucio-stage-out.escape.json",
     "uploads": [
      {"scope": "user.jdoe", "name": "plot-{run}.png", "type": "file", "path": "outputs/plot.png", "rse": "CERN-DISK", "if_exists": "skip"}
     ]
    }
    END_OF_MANIFEST
    cat > "$stage/driver.py" <<'END_OF_DRIVER'
    """The driver of CWL jobs."""
    # ... (its text stands here)
    END_OF_DRIVER
    cat > "$stage/job.json" <<'END_OF_JOB'
    {
     "name": "rucio-stage-out.escape",
     "receipt": "rucio-stage-out.escape.json",
     "uploads": {"outputs/plot.png": ["plot", false]},
     "files": {"stager.py": ["rucio_stage_program", "rucio-stager.py", "34a06e8ace8f0acf732f7a3bcaa9a5bf359c150919333ae3c8c767bc88134ba7"]}
    }
    END_OF_JOB
    command -v python3 >/dev/null || { echo 'reana-rucio: error: this image has no python3; choose an environment with rucio-clients' >&2; exit 3; }
    status=0
    python3 "$stage/driver.py" "$stage" "$@" || status=$?
    rm -rf "$stage"
    exit $status
    }
  - rucio-stage-out.escape
