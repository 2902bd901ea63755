# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: CommandLineTool
'$namespaces':
  reana: https://www.reana.io/
doc: 'Files from Rucio, verified; the receipt is written last.'
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
outputs:
  events: 'File[]'
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
    cat > "$stage/manifest.json" <<'END_OF_MANIFEST'
    {
     "format": 1,
     "action": "stage-in",
     "instance": {"name": "escape", "rucio_host": "https://escape-rucio.cern.ch", "auth_host": "https://escape-rucio-auth.cern.ch", "sidecar": "escape", "auth_type": "x509_proxy"},
     "receipt": "rucio-stage-in.escape.json",
     "downloads": [
      {"scope": "user.jdoe", "name": "muon-calibration-v3.json", "type": "file", "path": "calibration/muons.json"},
      {"scope": "user.jdoe", "name": "dimuons-2022", "type": "directory", "path": "data/dimuons"}
     ],
     "uploads": [
      {"scope": "user.jdoe", "name": "dimuon-sum-{run}.csv", "type": "file", "path": "outputs/spectrum.csv", "rse": "CERN-EOS", "if_exists": "skip"}
     ]
    }
    END_OF_MANIFEST
    cat > "$stage/driver.py" <<'END_OF_DRIVER'
    """Run the stager in a job of REANA's CWL engine, or of cwltool:  python3 driver.py STAGE [--INPUT PATH...]...

    STAGE is a private directory with job.json, and with stager.py and manifest.json unless they are among the inputs.
    File descriptor 3 is a file in the output directory, to which CWL redirects standard error (tools.py).
    REANA runs all jobs of a workflow in one directory, WORKSPACE/cwl/outdir/X, and then copies everything in it to the
    output directory of the job that has just ended, whatever its exit status; so nothing of size may be left there, no
    cwl.output.json (it would speak for the next jobs too), and only a receipt in the output directory proves success.
    There, files are staged to their paths in the workspace and linked into the output directory, at no further cost.
    """

    import hashlib
    import json
    import os
    import re
    import shutil
    import subprocess
    import sys
    import tempfile


    class Error(Exception):
        """The exit status, and what went wrong, for the last line of the log."""


    def main(stage, arguments):
        with open(os.path.join(stage, "job.json")) as stream:
            job = json.load(stream)
        handed = named(arguments)
        here = os.getcwd()
        out, workspace = places(here)
        for name, (key, file, digest) in job.get("files", {}).items():
            # REANA rewrites paths below the usual temporary directory in a command; the workspace is never wrong.
            given = handed[key][0]
            found = given if os.path.exists(given) or not workspace else os.path.join(workspace, file)
            fetch(found, os.path.join(stage, name), digest)
        if "uploads" in job:
            root = tempfile.mkdtemp(prefix=".rucio-stage-", dir=here)
        else:
            root = workspace or os.path.join(out, job["name"] + ".workspace")
        try:
            for path, (key, collected) in job.get("uploads", {}).items():
                if key not in handed:
                    raise Error(9, "%s: the workflow made no such output; nothing was uploaded" % path)
                place_of = os.path.join(root, native(path))
                for source in handed[key]:
                    if not os.path.exists(source):
                        raise Error(9, "%s: no such output; nothing was uploaded" % path)
                    target = os.path.join(place_of, os.path.basename(source)) if collected else place_of
                    if os.path.exists(target):
                        name = os.path.basename(source)
                        raise Error(9, "%s: two of its files are called %s; give each a name of its own" % (path, name))
                    place(source, target)
            os.makedirs(root, exist_ok=True)
            command = [sys.executable, os.path.join(stage, "stager.py"), os.path.join(stage, "manifest.json")]
            status = subprocess.call(command, cwd=root)
            if status == 0:
                publish(job, handed, root, out, {here, workspace or here})
        finally:
            if "uploads" in job:
                shutil.rmtree(root, ignore_errors=True)
        return status


    def native(path):
        """A path as Python has it: in the C locale 3.6 has bytes for what is not ASCII."""
        return os.fsdecode(path.encode("utf-8"))


    def named(arguments):
        """The paths behind each `--NAME`; CWL leaves out what is null or empty."""
        found = {}
        for word in arguments:
            if word.startswith("--"):
                paths = found[word[2:]] = []
            else:
                paths.append(word)
        return found


    def fetch(source, target, digest):
        """Copy a file that was written when the specification was compiled, and must not have changed since."""
        if os.path.isfile(source):  # a pipe or a device need not end
            shutil.copyfile(source, target)
            with open(target, "rb") as stream:
                if hashlib.sha256(stream.read()).hexdigest() == digest:
                    return
        raise Error(2, "%s: is missing or was changed; compile again and upload it" % os.path.basename(source))


    def places(here):
        """The output directory, in which descriptor 3 is a file, and REANA's workspace, or None elsewhere."""
        log = os.readlink("/proc/self/fd/3")
        reana = re.match(r"(.+)/cwl/outdir/[^/]+\Z", here)
        if os.path.isfile(log):
            out = os.path.dirname(log)
            return out, (reana.group(1) if reana and not os.path.samefile(out, here) else None)
        if reana:
            raise Error(1, "the output directory of this job cannot be found: its standard error is no file")
        return here, None


    def place(source, target):
        """A file or directory at another path, without its bytes where both are on one file system."""
        source = os.path.realpath(source)
        if os.path.isdir(source):
            os.makedirs(target)
            for name in sorted(os.listdir(source)):
                place(os.path.join(source, name), os.path.join(target, name))
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


    def publish(job, handed, root, out, others):
        """Hand the results to CWL: the receipt, here and in the other directories, then cwl.output.json, which ends it."""
        receipt = job["receipt"]
        outputs = Filler(job, handed, root, out).fill(job.get("outputs", {}))
        for directory in sorted({out, *others}):
            target = os.path.join(directory, receipt)
            if os.path.realpath(target) != os.path.realpath(os.path.join(root, receipt)):
                shutil.copyfile(os.path.join(root, receipt), target)
        outputs["receipt"] = {"class": "File", "path": receipt}
        draft = os.path.join(out, "." + job["name"] + ".draft")
        with open(draft, "w") as stream:
            json.dump(outputs, stream, indent=1)
        os.replace(draft, os.path.join(out, "cwl.output.json"))


    class Filler:
        """Completes the value of an input of the workflow: files and directories that were staged get their place."""

        def __init__(self, job, handed, root, out):
            self.folder = job["name"] + ".files"
            self.handed, self.root, self.out, self.count = handed, root, out, 0

        def fill(self, value, folder=None):
            if isinstance(value, list):
                return [self.fill(each, folder) for each in value]
            if not isinstance(value, dict):
                return value
            if "rucio_staged" in value or "rucio_handed" in value:
                value = dict(value)
                source = self.source(value)
                if value.pop("rucio_listed", False):
                    folder, names = self.new_folder(), sorted(os.listdir(source))
                    return [self.file({"class": "File"}, os.path.join(source, name), folder) for name in names]
                folder = folder or self.new_folder()
                value = self.file(value, source, folder)
            elif value.get("class") == "Directory" and "listing" in value:
                return self.directory(value, folder or self.new_folder())
            return {key: self.fill(each, folder if key == "secondaryFiles" else None) for key, each in value.items()}

        def directory(self, value, folder):
            """A directory that is given by its listing, made: cwltool takes none without a path for an output."""
            path, listing = folder + "/" + value.get("basename", "listing"), []
            os.makedirs(os.path.join(self.out, path))
            for each in self.fill(value["listing"], path):
                target = path + "/" + (each.get("basename") or os.path.basename(each["path"]))
                if each["path"] != target:
                    os.rename(os.path.join(self.out, each["path"]), os.path.join(self.out, target))
                listing.append(dict(each, path=target))
            return dict(value, path=path, listing=listing)

        def new_folder(self):
            self.count += 1
            return "%s/%d" % (self.folder, self.count)

        def source(self, value):
            if "rucio_staged" in value:
                return os.path.join(self.root, native(value.pop("rucio_staged")))
            return self.handed[value.pop("rucio_handed")][0]

        def file(self, value, source, folder):
            path = "%s/%s" % (folder, os.path.basename(source))
            place(source, os.path.join(self.out, path))
            if value.pop("rucio_loaded", False):
                with open(source, encoding="utf-8") as stream:
                    value["contents"] = stream.read(65537)
                if len(value["contents"]) > 65536:
                    raise Error(2, "%s: is larger than the 64 KiB that loadContents takes" % os.path.basename(source))
            return dict(value, path=os.fsencode(path).decode("utf-8", "replace"))


    if __name__ == "__main__":
        try:
            sys.exit(main(sys.argv[1], sys.argv[2:]))
        except Error as error:
            status, text = error.args
            print("reana-rucio: error: %s" % text, file=sys.stderr)
            sys.exit(status)
    END_OF_DRIVER
    cat > "$stage/job.json" <<'END_OF_JOB'
    {
     "name": "rucio-stage-in.escape",
     "receipt": "rucio-stage-in.escape.json",
     "outputs": {"events": {"class": "Directory", "rucio_staged": "data/dimuons", "rucio_listed": true}, "calibration": {"class": "File", "rucio_staged": "calibration/muons.json"}},
     "files": {"stager.py": ["rucio_stage_program", "rucio-stager.py", "60f207946f5bfcd01d152eac4542bba3b337d28ed03312f3c506a7b3cddcd961"]}
    }
    END_OF_JOB
    command -v python3 >/dev/null || { echo 'reana-rucio: error: this image has no python3; choose an environment with rucio-clients' >&2; exit 3; }
    status=0
    python3 "$stage/driver.py" "$stage" "$@" || status=$?
    rm -rf "$stage"
    exit $status
    }
  - rucio-stage-in.escape
