import type { ProgramSpec } from '#common/cli.ts';
import { reportFailure } from '#common/notify/unit-failure.ts';
import { version } from '#common/version.ts';
import { check } from './commands/check.ts';
import { init } from './commands/init.ts';
import { ready } from './commands/ready.ts';
import { restore } from './commands/restore.ts';
import { run } from './commands/run.ts';
import { snapshots } from './commands/snapshots.ts';
import { status } from './commands/status.ts';

/** The command line of backup-server. */
export const backupServer: ProgramSpec = {
  name: 'backup-server',
  version,
  summary: 'Fetches the newest archive of every client and stores it with restic.',
  commands: [
    {
      name: 'run',
      summary: 'back up all hosts, or the named ones (what happens without a command)',
      arguments: '[HOST...]',
      examples: ['run', 'run web mail --verbose', 'run --dry-run'],
      run,
    },
    {
      name: 'check',
      summary: 'check the configuration, every client and every repository, and change nothing',
      arguments: '[HOST...]',
      run: check,
    },
    {
      name: 'status',
      summary: 'tell how old the last good backup of every host is; exit code 1 when one is too old',
      arguments: '[HOST...]',
      run: status,
    },
    { name: 'init', summary: 'make the repositories that are not there yet', arguments: '[HOST...]', run: init },
    { name: 'snapshots', summary: 'list the snapshots of a host', arguments: '<HOST>', run: snapshots },
    {
      name: 'restore',
      summary: 'restore a snapshot of a host, or paths of it, into a new folder',
      arguments: '<HOST>',
      options: [
        ['--to <DIR>', 'a new or empty folder'],
        ['--at <TIME>', 'the snapshot that was the newest at this time (UTC), such as 2026-01-31 or 2026-01-31T03:00'],
        ['--snapshot <ID>', 'this snapshot'],
        ['--path <PATH...>', 'only these paths, as they are in the archive'],
      ],
      examples: ['restore web --to /tmp/web', 'restore web --at 2026-01-31 --path docker/shop/data --to /tmp/shop'],
      run: restore,
    },
    {
      name: 'ready',
      summary: 'tell whether a host is configured, or else what to edit; asked by the units',
      run: ready,
    },
    {
      name: 'report-failure',
      summary: 'mail that a unit failed before it could tell so itself; called by systemd',
      arguments: '<UNIT>',
      run: reportFailure('server_config.yml'),
    },
  ],
};
