#!/bin/sh
# What the tests use beside Python: PostgreSQL, Chromium, npm, strace, nginx, Caddy, zsh and fish. Installs from Debian what
# is missing, where it may.
# Without them, the tests that want them say so and are skipped.
missing=""
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null || missing="$missing chromium"
command -v npx >/dev/null || missing="$missing npm"
command -v strace >/dev/null || missing="$missing strace"
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx"
command -v caddy >/dev/null || missing="$missing caddy"
command -v zsh >/dev/null || missing="$missing zsh"
command -v fish >/dev/null || missing="$missing fish"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed, so some tests will be skipped:$missing (on Debian: apt-get install$missing)"
    exit 0
fi
echo "Installing$missing from Debian (once) ..."
# The tests start their own servers, on loopback: Debian's shall not start theirs.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
