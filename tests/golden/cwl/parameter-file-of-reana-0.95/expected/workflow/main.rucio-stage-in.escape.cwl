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
inputs: {}
outputs:
  events: File
  calibration: File
  receipt:
    type: File
    outputBinding:
      glob: rucio-stage-in.escape.json
stderr: rucio-stage-in.escape.log
baseCommand:
  - bash
  - '-c'
arguments:
  - |
    {
    stage=`TMPDIR=/tmp mktemp -d` || exit 3
    exec 3>&2 2>&1
    cat > "$stage/stager.py" <<'END_OF_STAGER'
    """The stager of reana-rucio."""
    # ... (its text stands here)
    END_OF_STAGER
    cat > "$stage/manifest.json" <<'END_OF_MANIFEST'
    {
     "format": 1,
     "action": "stage-in",
     "instance": {"name": "escape", "rucio_host": "https://escape-rucio.cern.ch", "auth_host": "https://escape-rucio-auth.cern.ch", "sidecar": "escape", "auth_type": "x509_proxy"},
     "receipt": "rucio-stage-in.escape.json",
     "downloads": [
      {"scope": "user.jdoe", "name": "calib.db", "type": "file", "path": "data/calib.db"},
      {"scope": "user.jdoe", "name": "events.root", "type": "file", "path": "data/events.root"}
     ]
    }
    END_OF_MANIFEST
    cat > "$stage/driver.py" <<'END_OF_DRIVER'
    """The driver of CWL jobs."""
    # ... (its text stands here)
    END_OF_DRIVER
    cat > "$stage/job.json" <<'END_OF_JOB'
    {
     "name": "rucio-stage-in.escape",
     "receipt": "rucio-stage-in.escape.json",
     "outputs": {"events": {"class": "File", "rucio_staged": "data/events.root"}, "calibration": {"class": "File", "rucio_staged": "data/calib.db"}}
    }
    END_OF_JOB
    command -v python3 >/dev/null || { echo 'reana-rucio: error: this image has no python3; choose an environment with rucio-clients' >&2; exit 3; }
    status=0
    python3 "$stage/driver.py" "$stage" "$@" || status=$?
    rm -rf "$stage"
    exit $status
    }
  - rucio-stage-in.escape
