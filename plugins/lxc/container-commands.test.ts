import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerId, commandsOf, parseStatus } from './container-commands.ts';
import { parsePctList } from './lxc-assets.ts';
import { parseRootPath } from './root-file-system.ts';

const start = (id: ContainerId, hasSystemd: boolean) => {
  const { file, args } = commandsOf(id, hasSystemd).start;
  return [file, ...args].join(' ');
};

test('where systemd runs, a container is started as a unit and not as a child of ours', () => {
  const usual = { type: 'lxc', name: 'mail', path: '/var/lib/lxc' } as const;
  const elsewhere = { ...usual, path: '/srv/lxc' };
  assert.equal(start(usual, true), 'systemctl start -- lxc@mail.service');
  assert.equal(
    start(elsewhere, true),
    'systemd-run --quiet --collect --unit=backup-suite-lxc-mail.service --property=Delegate=yes ' +
      '--property=KillMode=mixed -- lxc-start --lxcpath /srv/lxc --name mail --foreground',
  );
  assert.equal(start(usual, false), 'lxc-start --lxcpath /var/lib/lxc --name mail --daemon');
  assert.equal(start({ type: 'pct', vmid: 101 }, true), 'pct start 101');
});

test('the states of LXC and Proxmox are read alike', () => {
  const table: readonly (readonly [output: string, isRunning: boolean, pid: number | undefined])[] = [
    ['State:          RUNNING\nPID:            2501\n', true, 2501],
    ['State:          STARTING\n', true, undefined],
    ['State:          STOPPED\n', false, undefined],
    ['State:          FROZEN\nPID:            2501\n', false, 2501],
    ['cpus: 2\nname: running\npid: 77\nstatus: running\nuptime: 5\n', true, 77],
    ['cpus: 2\nname: running\nstatus: stopped\nuptime: 0\n', false, undefined],
  ];
  for (const [output, isRunning, pid] of table) assert.deepEqual(parseStatus(output), { isRunning, pid });
});

test('the list of Proxmox has a container on each line that begins with its number', () => {
  const listed = `VMID       Status     Lock         Name
101        running                 mail
9000       stopped    backup       web1
`;
  assert.deepEqual(parsePctList(listed), ['101', '9000']);
  assert.deepEqual(parsePctList(''), []);
});

test('the root file system is what stands behind the equals sign', () => {
  assert.equal(parseRootPath('lxc.rootfs.path = tank/mail\n'), 'tank/mail');
  assert.equal(parseRootPath('lxc.rootfs.path = /srv/a=b\n'), '/srv/a=b');
});
