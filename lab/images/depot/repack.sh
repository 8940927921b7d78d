#!/bin/sh
# repack.sh OUTPUT NAME...: this suite's Docker packages under the names, and with the relations, of Docker's own.
set -eu

output="$1"
shift
mkdir -p "$output"
work="$(mktemp -d)"
chmod 0755 "$work"
cd "$work"

unpack() {
  [ -d "$1" ] || { apt-get download "$1" && dpkg-deb --raw-extract "$1"_*.deb "$1"; }
}

field() { sed -n "s/^$2: //p" "$1/DEBIAN/control"; }

# pack NAME TREE VERSION DEPENDS INSTEAD-OF: only relations to Docker's own packages are rewritten.
pack() {
  rm -rf "$2/DEBIAN/md5sums" "$2/usr/share/man" "$2/usr/share/lintian"
  {
    echo "Package: $1"
    echo "Version: $3"
    echo "Architecture: $(dpkg --print-architecture)"
    echo "Maintainer: the lab <lab@lab.test>"
    echo "Installed-Size: $(du -sk "$2" | cut -f1)"
    echo "Depends: $4"
    echo "Provides: $5"
    echo "Conflicts: $5"
    echo "Replaces: $5"
    echo "Section: admin"
    echo "Priority: optional"
    echo "Description: $1, made from Debian's packages for the lab"
  } >"$2/DEBIAN/control"
  dpkg-deb --root-owner-group -Zzstd -z3 --build "$2" "$output"
}

for name in "$@"; do
  case "$name" in
    containerd.io)
      unpack containerd
      unpack runc
      version="$(field containerd Version)"
      depends="$(field containerd Depends | sed 's/\<runc ([^)]*), //'), $(field runc Depends)"
      rm -rf runc/DEBIAN
      cp -a runc/. containerd/
      pack containerd.io containerd "$version" "$depends" "containerd, runc"
      ;;
    docker-ce-cli)
      # A package of its own only since trixie.
      if ! unpack docker-cli; then
        unpack docker.io
        mkdir -p docker-cli/DEBIAN docker-cli/usr/bin docker-cli/usr/share/doc
        mv docker.io/usr/bin/docker docker-cli/usr/bin/
        for shell in bash-completion fish zsh; do
          mv "docker.io/usr/share/$shell" docker-cli/usr/share/
        done
        cp -a docker.io/usr/share/doc/docker.io docker-cli/usr/share/doc/docker-cli
        cp docker.io/DEBIAN/control docker-cli/DEBIAN/
      fi
      depends="$(field docker-cli Depends | sed -n 's/.*\(libc6 ([^)]*)\).*/\1/p')"
      pack docker-ce-cli docker-cli "$(field docker-cli Version)" "$depends" docker-cli
      ;;
    docker-ce)
      unpack docker.io
      version="$(field docker.io Version)"
      depends="$(field docker.io Depends | sed 's/\<runc ([^)]*), //; s/\<containerd (/containerd.io (/')"
      rm -f docker.io/usr/bin/dnet docker.io/usr/sbin/ovrouter
      depends="docker-ce-cli (>= $version), $depends, $(field docker.io Pre-Depends)"
      pack docker-ce docker.io "$version" "$depends" docker.io
      ;;
    docker-*-plugin)
      debian="${name%-plugin}"
      unpack "$debian"
      rm -rf "${debian:?}/usr/bin"
      pack "$name" "$debian" "$(field "$debian" Version)" "$(field "$debian" Depends)" "$debian"
      ;;
  esac
done
rm -rf "$work"
