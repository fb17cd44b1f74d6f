import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { mariadbCollector } from '#plugins/mariadb/mariadb-collector.ts';
import { postgresqlCollector } from '#plugins/postgresql/postgresql-collector.ts';
import { collectorTask } from './rig/collector-task.ts';
import { fakeDocker } from './rig/fake-docker.ts';

const kinds = [
  { collector: postgresqlCollector, programs: 'pg_dump', question: 'pg_dump --version' },
  {
    collector: mariadbCollector,
    programs: 'mariadb-dump or mysqldump',
    question: 'asking for mariadb-dump or mysqldump',
  },
];

for (const { collector, programs, question } of kinds) {
  const cases: readonly {
    readonly title: string;
    readonly container: unknown;
    readonly message: string;
    readonly hint: RegExp;
  }[] = [
    {
      title: 'that is not there',
      container: 'gone',
      message: `${question} ended with exit code 1: Error response from daemon: No such container: gone`,
      hint: /docker ps/,
    },
    {
      title: 'that does not run',
      container: 'stopped',
      message: `${question} ended with exit code 1: Error response from daemon: container stopped is not running`,
      hint: /Start it/,
    },
    {
      title: 'of a compose service that does not run',
      container: { compose_file: '/srv/compose.yaml', service: 'stopped' },
      message: 'the compose service stopped does not run',
      hint: /docker compose --file \/srv\/compose\.yaml ps --all/,
    },
    {
      title: 'of a compose service that is not there',
      container: { compose_file: '/srv/compose.yaml', service: 'gone' },
      message: 'the compose service gone does not run: no such service: gone',
      hint: /ps --all/,
    },
    {
      title: 'without the programs of the database',
      container: 'bare',
      message: `there is no ${programs} in the container`,
      hint: /container: must be the one of the database server/,
    },
  ];
  describe(`${collector.name}: a container`, () => {
    for (const { title, container, message, hint } of cases) {
      test(`${title} is told with a hint`, async (t) => {
        const docker = await fakeDocker(await tempFolder(t));
        await docker.set('stopped', { state: 'exited', env: {} });
        await docker.set('bare', { state: 'running', env: { PATH: '/usr/lib/systemd:/bare' } });
        const task = await collectorTask(t, collector, { docker: `${docker.docker} compose` });
        await assert.rejects(task.check({ container, database: 'shop' }), {
          name: 'BackupError',
          message: `${collector.name}: ${message}`,
          hint,
        });
      });
    }

    test('that nobody can be asked for, since there is no docker, is told with a hint', async (t) => {
      const task = await collectorTask(t, collector, { docker: '/nowhere/docker compose' });
      await assert.rejects(task.check({ container: 'db', database: 'shop' }), {
        name: 'BackupError',
        message: 'cannot run /nowhere/docker: no such program',
        hint: /Install it, or set its path/,
      });
    });
  });
}
