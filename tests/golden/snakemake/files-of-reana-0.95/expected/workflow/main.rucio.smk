# Compiled by reana-rucio (output format 1) from reana.yaml and main.smk: edit those and compile them again.
# It loads that Snakefile as it is, default target included, and adds rules that move Rucio data.

workflow.include("main.smk", overwrite_default_target=True)


rule rucio_stage_in_escape:
    output:
        "a.root",
        "./a.root",
    container:
        "docker://docker.io/reanahub/reana-auth-rucio:1.1.1"
    resources:
        voms_proxy=True,
        rucio=True,
    shell:
        r'''{{
stage=`TMPDIR=/tmp mktemp -d` || exit 3
test -f "workflow/rucio-stager.py" && cp "workflow/rucio-stager.py" "$stage/stager.py" && echo "34a06e8ace8f0acf732f7a3bcaa9a5bf359c150919333ae3c8c767bc88134ba7  $stage/stager.py" | sha256sum --check --status || {{ echo 'reana-rucio: error: workflow/rucio-stager.py in the workspace is missing or was changed; compile again and upload it' >&2; exit 2; }}
cat > "$stage/manifest.json" <<'END_OF_MANIFEST'
{{
 "format": 1,
 "action": "stage-in",
 "instance": {{"name": "escape", "rucio_host": "https://escape-rucio.cern.ch", "auth_host": "https://escape-rucio-auth.cern.ch", "sidecar": "escape", "auth_type": "x509_proxy"}},
 "receipt": "rucio-stage-in.escape.json",
 "downloads": [
  {{"scope": "user.jdoe", "name": "a.root", "type": "file", "path": "a.root"}}
 ]
}}
END_OF_MANIFEST
command -v python3 >/dev/null || {{ echo 'reana-rucio: error: this image has no python3; choose an environment with rucio-clients' >&2; exit 3; }}
status=0
python3 "$stage/stager.py" "$stage/manifest.json" || status=$?
rm -rf "$stage"
exit $status
}}
'''
