import type { ProgramSpec } from '#common/cli.ts';
import { version } from '#common/version.ts';
import { check } from './commands/check.ts';
import { maintain } from './commands/maintain.ts';

/** The command line of restic-maintenance. */
export const resticMaintenance: ProgramSpec = {
  name: 'restic-maintenance',
  version,
  summary: 'Forgets old snapshots, prunes and checks the repository of every host.',
  commands: [
    {
      name: 'run',
      summary: 'maintain all repositories, or those of the named hosts (what happens without a command)',
      arguments: '[HOST...]',
      examples: ['run', 'run web --dry-run'],
      run: maintain,
    },
    {
      name: 'check',
      summary: 'check the configuration, every client and every repository, and change nothing',
      arguments: '[HOST...]',
      run: check,
    },
  ],
};
