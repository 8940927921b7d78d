#!/bin/sh
# sshd, Git's CGI program, and Nginx in front of it.
set -eu

# /srv/git may be a volume, empty or older than this image.
mkdir -p /run/sshd /srv/git/public /srv/git/private
chmod 0755 /srv/git /srv/git/public /srv/git/private
/usr/sbin/sshd -D -e &

install -d -o www-data /run/fcgiwrap
rm -f /run/fcgiwrap/socket # left by a container that was killed
HOME=/srv/git setpriv --reuid www-data --regid www-data --clear-groups \
  fcgiwrap -s unix:/run/fcgiwrap/socket -c 4 &

exec nginx -g 'daemon off;'
