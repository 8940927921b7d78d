#!/bin/sh
# index.sh ROOT SUITE...: a signed repository over ROOT/debian/pool, its key at ROOT/gpg. The key is made here and
# thrown away: a repository of a lab is never signed twice.
set -eu

root="$1"
shift
GNUPGHOME="$(mktemp -d)"
export GNUPGHOME
gpg --batch --quiet --passphrase '' --quick-generate-key 'Landfall lab <lab@lab.test>' rsa3072 sign never
gpg --batch --armor --export >"$root/gpg"

cd "$root/debian"
ln -s ../gpg gpg
arch="$(dpkg --print-architecture)"
for suite in "$@"; do
  dist="dists/$suite"
  mkdir -p "$dist/stable/binary-$arch"
  for part in "pool/$suite" pool/common; do
    apt-ftparchive packages "$part"
  done >"$dist/stable/binary-$arch/Packages"
  gzip -k "$dist/stable/binary-$arch/Packages"
  apt-ftparchive -o APT::FTPArchive::Release::Origin=Docker -o 'APT::FTPArchive::Release::Label=Docker CE' \
    -o APT::FTPArchive::Release::Suite="$suite" -o APT::FTPArchive::Release::Codename="$suite" \
    -o APT::FTPArchive::Release::Components=stable -o APT::FTPArchive::Release::Architectures="$arch" \
    release "$dist" >/tmp/Release
  mv /tmp/Release "$dist/Release"
  gpg --batch --clearsign --output "$dist/InRelease" "$dist/Release"
  gpg --batch --armor --detach-sign --output "$dist/Release.gpg" "$dist/Release"
done
rm -rf "$GNUPGHOME"
