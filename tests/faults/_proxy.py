"""A proxy of alice with other times; run under the server's environment:  _proxy.py PKI FROM TO  (seconds from now)"""

import datetime
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "rucio"))

import _pki
from cryptography import x509
from cryptography.hazmat.primitives import serialization

pki, begin, end = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
alice = _pki.Holder.__new__(_pki.Holder)
alice.subject = "/C=CH/O=Test/CN=alice"
alice.key = serialization.load_pem_private_key((pki / "alice.key").read_bytes(), None)
alice.certificate = x509.load_pem_x509_certificate((pki / "alice.pem").read_bytes())
_pki.DAY = datetime.timedelta(seconds=1)
sys.stdout.write(_pki.proxy_of(alice, (begin, end)).decode())
