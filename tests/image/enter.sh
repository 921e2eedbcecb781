#!/bin/sh
# Becomes a program of the image as a pod would run it: enter.sh ROOT CONFIGURATION PROGRAM...
#
# To be called in a mount namespace of its own. The root is read-only, /tmp and /var/lib/runhook are empty directories, what a
# pod is told stands in /etc/runhook; user and group are the image's, no call gives more rights. The network is the machine's.
set -eu
root=$1
configuration=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=2777,gid=65532 tmpfs "$root/var/lib/runhook"
mount --bind "$configuration" "$root/etc/runhook"
mount -o remount,bind,ro "$root/etc/runhook"
mount -o remount,bind,ro "$root"
chroot=$(PATH=/usr/sbin:/sbin:/usr/bin:/bin command -v chroot)
exec setpriv --no-new-privs "$chroot" --userspec=65532:65532 --groups=65532 "$root" "$@"
