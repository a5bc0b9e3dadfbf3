#!/bin/sh
# Regenerates crates/analytics/data/country.mmdb from Debian's package tor-geoipdb (IPFire's ranges, CC BY-SA 4.0).
#
# Needs apt-get, dpkg-deb and python3. The result is committed: builds do not run this. The same package gives the same
# bytes.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && apt-get download tor-geoipdb >/dev/null 2>&1) || {
    echo "gen-country: cannot download the package tor-geoipdb (apt-get update first?)" >&2
    exit 1
}
dpkg-deb -x "$work"/tor-geoipdb_*.deb "$work/package"
python3 "$root/scripts/gen-country.py" \
    "$work/package/usr/share/tor/geoip" "$work/package/usr/share/tor/geoip6" \
    "$work/country.mmdb"
mv "$work/country.mmdb" "$root/crates/analytics/data/country.mmdb"
