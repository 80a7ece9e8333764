#!/bin/sh
# Installs those of the named Debian packages that are missing. Silent when there is nothing to do.
# Never asks and never fails: what can't be installed is named in one line, and what needs it skips.
set -u

missing=
for package; do
  command -v "$package" >/dev/null \
    || dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' \
    || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Missing and not installed, for this is no Debian:$missing" >&2
  exit 0
fi
if [ "$(id -u)" = 0 ]; then
  as_root=env
elif sudo -n true 2>/dev/null; then
  as_root='sudo -n env'
else
  echo "Missing, and needs root to install: apt-get install$missing" >&2
  exit 0
fi

echo "Installing$missing"
# Word splitting is wanted: both are lists.
# shellcheck disable=SC2086
if ! report=$($as_root apt-get update -qq 2>&1 && $as_root DEBIAN_FRONTEND=noninteractive apt-get install \
  -qq --no-install-recommends -o DPkg::Lock::Timeout=120 $missing 2>&1); then
  echo "Could not install$missing: $(printf '%s\n' "$report" | tail -n 1)" >&2
fi
