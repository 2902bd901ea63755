# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: CommandLineTool
'$namespaces':
  reana: https://www.reana.io/
doc: 'Files from Rucio, verified; the receipt is written last.'
requirements:
  NetworkAccess:
    networkAccess: true
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
  rucio_stage_local_1:
    type: File
    inputBinding:
      position: 2
      prefix: '--rucio_stage_local_1'
outputs:
  local:
    type: File
    secondaryFiles:
      - '${ return self.nameroot + ''.bai''; }'
  genome:
    type: File
    secondaryFiles:
      - .idx
  receipt:
    type: File
    outputBinding:
      glob: rucio-stage-in.escape.1.json
stderr: rucio-stage-in.escape.1.log
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
     "action": "stage-in",
     "instance": {"name": "escape", "rucio_host": "https://escape-rucio.cern.ch", "auth_host": "https://escape-rucio-auth.cern.ch", "sidecar": "escape", "auth_type": "x509_proxy"},
     "receipt": "rucio-stage-in.escape.1.json",
     "downloads": [
      {"scope": "user.jdoe", "name": "local.bai", "type": "file", "path": "data/local.bai"},
      {"scope": "user.jdoe", "name": "genome.fa", "type": "file", "path": "genome.fa"},
      {"scope": "user.jdoe", "name": "genome.fa.idx", "type": "file", "path": "index/genome.idx"}
     ]
    }
    END_OF_MANIFEST
    cat > "$stage/driver.py" <<'END_OF_DRIVER'
    """The driver of CWL jobs."""
    # ... (its text stands here)
    END_OF_DRIVER
    cat > "$stage/job.json" <<'END_OF_JOB'
    {
     "name": "rucio-stage-in.escape.1",
     "receipt": "rucio-stage-in.escape.1.json",
     "outputs": {"local": {"class": "File", "secondaryFiles": [{"class": "File", "rucio_staged": "data/local.bai"}], "rucio_handed": "rucio_stage_local_1"}, "genome": {"class": "File", "secondaryFiles": [{"class": "File", "basename": "genome.fa.idx", "rucio_staged": "index/genome.idx"}], "rucio_staged": "genome.fa"}},
     "files": {"stager.py": ["rucio_stage_program", "rucio-stager.py", "34a06e8ace8f0acf732f7a3bcaa9a5bf359c150919333ae3c8c767bc88134ba7"]}
    }
    END_OF_JOB
    command -v python3 >/dev/null || { echo 'reana-rucio: error: this image has no python3; choose an environment with rucio-clients' >&2; exit 3; }
    status=0
    python3 "$stage/driver.py" "$stage" "$@" || status=$?
    rm -rf "$stage"
    exit $status
    }
  - rucio-stage-in.escape.1
