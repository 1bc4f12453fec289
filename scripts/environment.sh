# What every script here shares: where the repository is, which Swift it uses, how it speaks.
# Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The oldest toolchain that reads Package.swift, and the one that the tests run on.
SWIFT_OLDEST=6.2
SWIFT_TESTED=6.3.1

# Where scripts/install-swift puts a toolchain. Somebody's own Swift on the PATH comes first.
if [ "$(id -u)" = 0 ]; then
    SWIFT_HOME=${HEADWATER_SWIFT_HOME:-/opt/headwater-swift}
else
    SWIFT_HOME=${HEADWATER_SWIFT_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/headwater-swift}
fi

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }

# Ends the script with one line that names the fix.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit "${2:-1}"
}

# Prints the version of the `swift` that is given or on the PATH; nothing when there is none.
swift_version() {
    { "${1:-swift}" --version 2>/dev/null || true; } |
        sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p'
}

# True when version $1 is not older than version $2.
at_least() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Puts our own toolchain in front when the PATH has none that is new enough.
if ! at_least "$(swift_version)" "$SWIFT_OLDEST" && [ -x "$SWIFT_HOME/usr/bin/swift" ]; then
    PATH=$SWIFT_HOME/usr/bin:$PATH
    export PATH
fi
