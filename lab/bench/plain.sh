#!/bin/sh
# Usage: plain.sh site|release HOST PROJECT
# What landfall.django.site does to a host, as somebody would do it by hand over ssh. `site` is the whole way, the first
# time and every other; `release` is only what a new version of the project needs. Says how long each step took.
# In the environment: SSH_CONFIG; for site also FILES, a tar of the files that the host is to have, DOCKER_KEY_URL,
# ACME_DIRECTORY_URL, ACME_EMAIL and DOMAINS.
set -eu

verb=$1
host=$2
project=$3
began=$(date +%s%N)

step() {
    now=$(date +%s%N)
    echo "== $(((now - began) / 1000000)) ms: $1"
    began=$now
}

# In braces, so that the shell has read everything before a command there could read from the same input.
on_host() { { echo '{'; cat; echo '} </dev/null'; } | ssh -F "$SSH_CONFIG" "$host" sudo sh -eu -s -- "$@"; }

packages() {
    ssh -F "$SSH_CONFIG" "$host" sudo tar --extract --directory / <"$FILES"
    on_host "$DOCKER_KEY_URL" <<'END'
        export DEBIAN_FRONTEND=noninteractive
        key=$(sed -n 's/^Signed-By: //p' /etc/apt/sources.list.d/docker.sources)
        [ -f "$key" ] || curl --fail --silent --show-error --output "$key" "$1"
        if ! dpkg -s docker-ce rsync certbot >/dev/null 2>&1; then
            apt-get -q update
            apt-get -q -y install --no-install-recommends docker-ce docker-ce-cli containerd.io \
                docker-compose-plugin docker-buildx-plugin apparmor ca-certificates rsync certbot openssl
            systemctl daemon-reload
        fi
        until docker version >/dev/null; do sleep 0.2; done
END
    step "files and packages"
}

image() {
    rsync --recursive --links --perms --times --checksum --delete --chmod=go-w \
        --exclude=.git --exclude=.env --exclude=.venv --exclude=__pycache__ \
        --rsh="ssh -F $SSH_CONFIG" --rsync-path="sudo rsync" "$project/" "$host:/srv/shop/source/"
    on_host <<'END'
        cd /srv/shop/build
        set -- --secret id=environment,src=environment.json
        for tool in tools/*; do set -- "$@" --secret "id=${tool#tools/},src=$tool"; done
        docker build --progress=plain --tag shop:plain --file Dockerfile "$@" ../source 2>&1
END
    step "image"
}

services() {
    on_host <<'END'
        cd /srv/shop
        install -d -o 10001 -g 10001 beat static/plain /srv/nginx/sites/shop/media
        docker compose pull --quiet db redis
        docker compose create db redis
        # A volume gets its owner from the image, and the containers run as users of their own.
        chown 10002:10002 "$(docker volume inspect --format '{{.Mountpoint}}' shop_db-data)"
        chown 10003:10003 "$(docker volume inspect --format '{{.Mountpoint}}' shop_redis-data)"
        docker compose up --detach --wait db redis
END
    step "database and Redis"
}

project() {
    on_host <<'END'
        cd /srv/shop
        docker compose --profile release run --rm --no-deps -T migrate
        docker compose --profile release run --rm --no-deps -T collectstatic
        mkdir -p /srv/nginx/sites/shop/static
        cp -R static/plain/. /srv/nginx/sites/shop/static/
END
    step "migrate and collectstatic"
    on_host <<'END'
        docker compose --project-directory /srv/shop up --detach --wait
END
    step "web and Celery"
}

front() {
    # shellcheck disable=SC2086  # a list of names
    on_host "$ACME_DIRECTORY_URL" "$ACME_EMAIL" $DOMAINS <<'END'
        directory=$1 email=$2
        shift 2
        temporary=/srv/nginx/tls/temporary/shop live=/etc/letsencrypt/live/shop
        cd /srv/nginx
        mkdir -p acme "$temporary"
        [ -f "$temporary/fullchain.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -days 3650 -subj /CN=temporary -keyout "$temporary/privkey.pem" -out "$temporary/fullchain.pem" 2>/dev/null
        [ -e tls/shop ] || ln -s temporary/shop tls/shop
        # Nginx is not root.
        install -d -m 0750 -g "$(stat --format %g buffers)" keys
        cat tls/shop/fullchain.pem tls/shop/privkey.pem >keys/shop.pem
        chgrp "$(stat --format %g buffers)" keys/shop.pem
        chmod 0640 keys/shop.pem
        docker compose pull --quiet nginx
        docker tag "$(docker compose config --images nginx | grep -v edge)" landfall-edge:1
        docker compose up --detach --wait
        docker network inspect --format '{{range .Containers}}{{.Name}} {{end}}' shop_front | grep -q nginx-edge-1 ||
            docker network connect shop_front nginx-edge-1
        for domain in "$@"; do set -- "$@" --domain "$domain"; shift; done
        REQUESTS_CA_BUNDLE=/etc/letsencrypt/acme-directory-ca.pem certbot certonly --non-interactive --agree-tos \
            --email "$email" --server "$directory" --cert-name shop --keep-until-expiring \
            --webroot --webroot-path /srv/nginx/acme "$@"
        ln -sfn "$live" tls/shop
        ./reload
END
    step "Nginx and certificate"
}

case $verb in
    site) packages; image; services; project; front ;;
    release) image; project ;;
    *) echo "plain.sh: $verb is neither site nor release" >&2; exit 2 ;;
esac
