#!/usr/bin/env bash
# Builds the container image with buildah, from nothing but the program and the libraries that it needs:
# packaging/oci/build.sh BINARY [NAME]. The name is by default localhost/api-analytics:VERSION.
set -euo pipefail
binary="$(realpath "$1")"
cd "$(dirname "$0")/../.."
command -v buildah > /dev/null || { echo "buildah is needed: apt install buildah" >&2; exit 1; }
version="$(LD_LIBRARY_PATH=.duckdb "$binary" version | cut -d' ' -f2)"
name="${2:-localhost/api-analytics:$version}"
root="$(mktemp -d)"
state="$(mktemp -d)"
trap 'rm -rf "$root" "$state"' EXIT
chmod 755 "$root" "$state"
mkdir -m 700 "$state/data"
mkdir -m 1777 "$state/tmp"

# The program beside its library, if it has one, which it loads from there.
install -D -m 755 "$binary" "$root/usr/lib/api-analytics/api-analytics"
if readelf --dynamic "$binary" | grep -q 'libduckdb'; then
  library="$(dirname "$binary")/libduckdb.so"
  [ -e "$library" ] || library=.duckdb/libduckdb.so
  install -m 644 "$library" "$root/usr/lib/api-analytics/libduckdb.so"
fi
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs"
ln -s ../lib/api-analytics/api-analytics "$root/usr/bin/api-analytics"
# From the system: the libraries of both, the loader, and the public certificate authorities.
LD_LIBRARY_PATH=.duckdb ldd "$binary" | grep -o '/[^ ]*' | grep -v libduckdb | sort -u | while read -r file; do
  install -D -m 755 "$(realpath "$file")" "$root$file"
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'api-analytics:x:10001:10001::/data:/usr/sbin/nologin' > "$root/etc/passwd"
echo 'api-analytics:x:10001:' > "$root/etc/group"
install -D -m 644 LICENSE NOTICE -t "$root/usr/share/doc/api-analytics"

container="$(buildah from --format docker scratch)"
buildah copy --quiet "$container" "$root" / > /dev/null
buildah copy --quiet --chown 10001:10001 "$container" "$state" / > /dev/null
buildah config --user 10001:10001 --workingdir /data --volume /data --port 8080 \
  --env PATH=/usr/bin --env API_ANALYTICS_DATA=/data/api-analytics --env API_ANALYTICS_LISTEN=0.0.0.0:8080 \
  --healthcheck 'CMD api-analytics health' --healthcheck-interval 30s --healthcheck-timeout 10s --healthcheck-start-period 60s \
  --stop-signal SIGTERM --entrypoint '[]' --cmd 'api-analytics serve' \
  --label org.opencontainers.image.title="API Analytics" --label org.opencontainers.image.version="$version" \
  --label org.opencontainers.image.licenses=MIT "$container"
# Health checks are a part of Docker's format and not of OCI's.
buildah commit --quiet --rm --format docker "$container" "$name" > /dev/null
echo "$name"
