#!/bin/sh
# nspawn.sh CGROUP LOWER FOLDER ARGUMENT…: systemd-nspawn over a copy-on-write view of LOWER, whose changes are in FOLDER;
# with "-" for LOWER, on FOLDER itself. Called in a mount namespace of its own, so that all mounts go with the last process.
# The cgroup is the container's own because nspawn makes "payload" and "supervisor" below the one it is started in.
set -e
cgroup=$1 lower=$2 folder=$3
shift 3
root=$folder
if [ "$lower" != - ]; then
	root=$folder/root
	mkdir -p "$folder/upper" "$folder/work" "$root"
	mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" overlay "$root"
fi
# nspawn keeps notes there and refuses a file system on a disk.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	if [ -e "$hierarchy/cgroup.procs" ]; then
		mkdir -p "$hierarchy/$cgroup"
		echo $$ >"$hierarchy/$cgroup/cgroup.procs"
	fi
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_LOCK=0
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --timezone=off --link-journal=no "$@"
