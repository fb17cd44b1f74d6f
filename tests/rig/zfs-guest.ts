import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { execaRunner } from '#common/process/execa-runner.ts';
import { bundled } from '../../scripts/programs.ts';
import { debian13Root } from './debian-root.ts';

/** A machine with OpenZFS: its kernel with the module that DKMS builds, and the QEMU that it runs in. */
const packages = [
  ...['linux-image-cloud-amd64', 'linux-headers-cloud-amd64', 'zfs-dkms', 'zfsutils-linux'],
  ...['qemu-system-x86', 'virtiofsd', 'kmod', 'iproute2', 'procps', 'mount'],
  ...['nodejs', 'acl', 'attr', 'rsync', 'openssh-server', 'libcap2-bin'],
];

/** Without what only a debugger reads the module is built in half the time; it needs no initrd. */
const quickly = {
  MAKEFLAGS: 'KCFLAGS=-O1 CONFIG_DEBUG_INFO= CONFIG_DEBUG_INFO_BTF= CONFIG_DEBUG_INFO_BTF_MODULES=',
  INITRD: 'No',
};

/**
 * Runs test files on real OpenZFS, in a Debian 13 under QEMU; what they print, with exit code. Without hardware support a
 * test takes some ten times as long, so each is made one file beforehand; making the machine for the first time takes some
 * minutes.
 */
export async function runInZfsGuest(files: readonly string[]): Promise<{ exitCode: number; output: string }> {
  const home = await mkdtemp(join(tmpdir(), 'backup-zfs-guest-'));
  try {
    const root = join(home, 'root');
    await debian13Root(root, packages, quickly);
    const project = join(root, 'project');
    await mkdir(project);
    await cp('dist', join(project, 'dist'), { recursive: true });
    await build({ ...bundled, entryPoints: [...files], outdir: project, outExtension: { '.js': '.mjs' } });
    const bundles = files.map((file) => basename(file).replace(/ts$/, 'mjs'));
    await writeFile(join(root, 'sbin/guest-init'), guestInit(bundles), { mode: 0o755 });
    await writeFile(join(root, 'start-guest'), startGuest, { mode: 0o755 });
    const { stdout, stderr } = await execaRunner().run({
      file: 'unshare',
      args: ['--mount', '--propagation', 'private', 'sh', '-c', enter, root],
      timeoutMs: 60 * 60_000,
    });
    const exitCode = await readFile(join(project, 'exit-code'), 'utf8').catch(() => undefined);
    const output = await readFile(join(project, 'output'), 'utf8').catch(() => '');
    if (exitCode === undefined) return { exitCode: 1, output: `the machine did not run: ${stdout}${stderr}${output}` };
    return { exitCode: Number(exitCode), output };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const enter = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /start-guest';

/**
 * Its root file system is the folder itself, by virtiofs, which is built into this kernel; nobody else changes it, so that
 * all may stay in the guest's cache. The same on every machine: no hardware support, and a processor whose emulation is
 * cheap.
 */
const startGuest = `#!/bin/sh
/usr/libexec/virtiofsd --socket-path=/run/virtiofs --shared-dir=/ --sandbox=none --cache=always --xattr &
until [ -S /run/virtiofs ]; do kill -0 $! || exit 1; sleep 0.1; done
exec qemu-system-x86_64 -nodefaults -no-reboot -display none -serial stdio -M q35 -accel tcg,thread=multi \\
  -cpu Nehalem -smp 2 -m 3G -object memory-backend-memfd,id=memory,size=3G,share=on -numa node,memdev=memory \\
  -chardev socket,id=virtiofs,path=/run/virtiofs -device vhost-user-fs-pci,chardev=virtiofs,tag=root \\
  -device virtio-rng-pci -kernel /boot/vmlinuz-* \\
  -append 'console=ttyS0 quiet root=root rootfstype=virtiofs rw init=/sbin/guest-init mitigations=off tsc=reliable'
`;

function guestInit(files: readonly string[]): string {
  return `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm
for folder in /run /tmp /dev/shm; do mount -t tmpfs tmpfs $folder; done
mkdir -p /run/sshd
ip link set lo up
modprobe zfs
cd /project
node --test --test-concurrency=2 ${files.join(' ')} >output 2>&1
echo $? >exit-code
sync
echo b >/proc/sysrq-trigger
`;
}
