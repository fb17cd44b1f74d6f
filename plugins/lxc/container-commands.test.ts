import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerId, commandsOf, saysRunning } from './container-commands.ts';
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
  const table: readonly (readonly [status: string, isRunning: boolean])[] = [
    ['RUNNING\n', true],
    ['STARTING\n', true],
    ['STOPPED\n', false],
    ['FROZEN\n', false],
    ['status: running\n', true],
    ['status: stopped\n', false],
  ];
  for (const [status, isRunning] of table) assert.equal(saysRunning(status), isRunning);
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
