#!/usr/bin/env bash
# Packs a Debian package and prints its path: packaging/debian/build.sh BINARY [FOLDER], by default into dist/.
#
# A program with DuckDB compiled in (`make release`) becomes /usr/bin/api-analytics. Any other needs its library, which is looked
# for beside it and in .duckdb/; both become /usr/lib/api-analytics, where the program finds it.
#
#   PACKAGE_VERSION=1.2.3      in place of the program's own
#   PACKAGE_COMPRESSOR=none    for a test, which has no time for xz
set -euo pipefail
binary="$(realpath "$1")"
out="$(realpath -m "${2:-dist}")"
cd "$(dirname "$0")/../.."
command -v dpkg-deb > /dev/null || { echo "dpkg-deb is needed: run this on Debian or Ubuntu" >&2; exit 1; }
version="$(LD_LIBRARY_PATH=.duckdb "$binary" version | cut -d' ' -f2)"
architecture="$(dpkg --print-architecture)"
root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

if readelf --dynamic "$binary" | grep -q 'libduckdb'; then
  library="$(dirname "$binary")/libduckdb.so"
  [ -e "$library" ] || library=.duckdb/libduckdb.so
  install -D -m 755 "$binary" "$root/usr/lib/api-analytics/api-analytics"
  install -D -m 644 "$library" "$root/usr/lib/api-analytics/libduckdb.so"
  mkdir -p "$root/usr/bin"
  ln -s ../lib/api-analytics/api-analytics "$root/usr/bin/api-analytics"
  needs="libc6 (>= 2.36), libstdc++6, libgcc-s1, passwd"
else
  install -D -m 755 "$binary" "$root/usr/bin/api-analytics"
  needs="libc6 (>= 2.36), passwd"
fi
install -D -m 644 packaging/api-analytics.service "$root/usr/lib/systemd/system/api-analytics.service"
install -D -m 644 packaging/api-analytics.socket "$root/usr/lib/systemd/system/api-analytics.socket"
install -D -m 640 packaging/config.toml "$root/etc/api-analytics/config.toml"
install -D -m 644 LICENSE "$root/usr/share/doc/api-analytics/copyright"
install -D -m 644 NOTICE "$root/usr/share/doc/api-analytics/NOTICE"
install -D -m 644 -t "$root/usr/share/doc/api-analytics" docs/*.md

mkdir "$root/DEBIAN"
cat > "$root/DEBIAN/control" << END
Package: api-analytics
Version: ${PACKAGE_VERSION:-$version}
Architecture: $architecture
Maintainer: The API Analytics maintainers <maintainers@api-analytics.invalid>
Section: web
Priority: optional
Depends: $needs
Recommends: ca-certificates
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: self-hosted analytics and monitoring for HTTP APIs
 Tells who calls an API, how often, from where, how fast it answers and what
 fails; checks that it is up, and publishes a status page.
END
echo /etc/api-analytics/config.toml > "$root/DEBIAN/conffiles"
install -m 755 packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm "$root/DEBIAN/"

mkdir -p "$out"
package="$out/api-analytics_${PACKAGE_VERSION:-$version}_$architecture.deb"
dpkg-deb --root-owner-group -Z"${PACKAGE_COMPRESSOR:-xz}" --build "$root" "$package" > /dev/null
echo "$package"
