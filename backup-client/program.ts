import type { ProgramSpec } from '#common/cli.ts';
import { reportFailure } from '#common/notify/unit-failure.ts';
import { version } from '#common/version.ts';
import { list, restore, verify } from './commands/archive-commands.ts';
import { check } from './commands/check.ts';
import { plan } from './commands/plan.ts';
import { plugins } from './commands/plugins.ts';
import { ready } from './commands/ready.ts';
import { recover } from './commands/recover.ts';
import { run } from './commands/run.ts';

/** The command line of local-backup. */
export const localBackup: ProgramSpec = {
  name: 'local-backup',
  version,
  summary: 'Collects what the service.yaml files name into one verified archive in the drop folder.',
  commands: [
    {
      name: 'run',
      summary: 'back up every service (what happens without a command)',
      examples: ['run', 'run --dry-run'],
      run,
    },
    { name: 'check', summary: 'check the configuration and what every task needs, and change nothing', run: check },
    { name: 'plan', summary: 'print what a run would do now, and what on this machine no service saves', run: plan },
    {
      name: 'list',
      summary: 'list the archives on this machine, or what is in one of them',
      arguments: '[ARCHIVE]',
      examples: ['list', 'list /var/backups/web-20260101_030000.tar.gz'],
      run: list,
    },
    {
      name: 'verify',
      summary: 'read an archive back and compare everything in it with its index',
      arguments: '<ARCHIVE>',
      options: [['--full', 'read it with a second, independent tar reader as well']],
      run: verify,
    },
    {
      name: 'restore',
      summary: 'restore paths of an archive into a new folder; everything when none is named',
      arguments: '[PATH...]',
      options: [
        ['--from <ARCHIVE>', 'the archive'],
        ['--to <DIR>', 'a new or empty folder'],
      ],
      examples: ['restore --from ARCHIVE docker/shop/data --to /tmp/restored'],
      run: restore,
    },
    { name: 'plugins', summary: 'list what answers to which key of service.yaml', run: plugins },
    { name: 'recover', summary: 'put right what an interrupted run could not', run: recover },
    {
      name: 'ready',
      summary: 'tell whether a service is configured, or else what to edit; asked by the units',
      run: ready,
    },
    {
      name: 'report-failure',
      summary: 'mail that a unit failed before it could tell so itself; called by systemd',
      arguments: '<UNIT>',
      run: reportFailure('client_config.yml'),
    },
  ],
};
