import assert from 'node:assert/strict';
import { chmod, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { postgresqlCollector } from '#plugins/postgresql/postgresql-collector.ts';
import { collectorTask, writeProgram } from './rig/collector-task.ts';
import { type PostgresqlServer, postgresqlProblem, startPostgresql } from './rig/postgresql.ts';
import { freePort } from './rig/storage-servers.ts';

const problem = await postgresqlProblem();

describe('postgresql, when something is wrong', { skip: problem ?? false }, () => {
  let server: PostgresqlServer;
  let deadPort: number;
  before(async () => {
    deadPort = await freePort();
    server = await startPostgresql();
    await server.sql('postgres', "create role app login password 'right'");
    await server.sql('postgres', 'create database shop');
    await server.sql('shop', 'create table orders as select n, md5(n::text) from generate_series(1, 10000) n');
  });
  after(() => server.stop());

  interface Failure {
    readonly title: string;
    /** Laid over a dump of the database shop by the socket; `file` makes a file in the test's folder. */
    readonly options: (file: (name: string, content: string, mode?: number) => Promise<string>) => Promise<object>;
    readonly message: RegExp;
    readonly hint: RegExp;
  }

  const byNetwork = (more: object) => ({ host: '127.0.0.1', user: 'app', ...more });
  const failures: readonly Failure[] = [
    {
      title: 'a wrong password',
      options: async (file) => byNetwork({ password: { file: await file('password', 'wrong\n') } }),
      message:
        /^postgresql: asking the server for shop ended with exit code 2: .*FATAL: {2}password authentication failed for user "app"/s,
      hint: /\/root\/\.pgpass \(chmod 600\), or name the secret by password:/,
    },
    {
      title: 'no password',
      options: async (file) => byNetwork({ pgpass: await file('pgpass', '') }),
      message: /fe_sendauth: no password supplied$/,
      hint: /\/root\/\.pgpass/,
    },
    {
      title: 'a password file that others may read',
      options: async (file) => byNetwork({ pgpass: await file('pgpass', '', 0o644) }),
      message:
        /^postgresql: the password file cannot be used: \S+\/pgpass: holds a secret and can be read by others; chmod 600 \S+$/,
      hint: /mode 600/,
    },
    {
      title: 'a secret that is not there',
      options: async () => byNetwork({ password: { file: '/nowhere/password' } }),
      message: /^postgresql: the password cannot be read$/,
      hint: /names a file of root's own/,
    },
    {
      title: 'a role that the account is not',
      options: async () => ({ user: 'app' }),
      message: /FATAL: {2}Peer authentication failed for user "app"$/,
      hint: /run_as:/,
    },
    {
      title: 'a server that is down',
      options: async () => ({ port: deadPort }),
      message: /^postgresql: asking the server for shop ended with exit code 2: .*No such file or directory/s,
      hint: /pg_isready/,
    },
    {
      title: 'a database that is gone',
      options: async () => ({ database: 'gone' }),
      message: /FATAL: {2}database "gone" does not exist$/,
      hint: /psql --list/,
    },
    {
      title: 'one of several databases that is gone',
      options: async () => ({ database: undefined, databases: ['shop', 'gone', 'lost'] }),
      message: /^postgresql: the server has no database gone, lost$/,
      hint: /psql --list/,
    },
    {
      title: 'a role that may not read the tables',
      options: async (file) => byNetwork({ password: { file: await file('password', 'right\n') } }),
      message: /^postgresql: the dump of shop ended with exit code 1: .*permission denied for table orders/s,
      hint: /GRANT pg_read_all_data/,
    },
    {
      title: 'roles that only a superuser may read',
      options: async (file) => byNetwork({ globals: true, password: { file: await file('password', 'right\n') } }),
      message:
        /^postgresql: the dump of roles and tablespaces ended with exit code 1: .*permission denied for table pg_authid/s,
      hint: /a superuser/,
    },
    {
      title: 'an option that the task gives itself',
      options: async () => ({ dump_options: '--clean -f /tmp/x' }),
      message: /^postgresql: dump_options has "-f", which cannot be given there$/,
      hint: /keys of their own/,
    },
    {
      title: 'an option that pg_dump does not know',
      options: async () => ({ dump_options: '--cleen' }),
      message: /^postgresql: the dump of shop ended with exit code 1: .*unrecognized option '--cleen'/s,
      hint: /by hand/,
    },
  ];
  for (const { title, options, message, hint } of failures) {
    test(`${title} is told with a hint, and leaves nothing`, async (t) => {
      const task = await collectorTask(t, postgresqlCollector);
      const own = await options(async (name, content, mode = 0o600) => {
        const path = join(task.folder, name);
        await writeFile(path, content, { mode });
        return path;
      });
      const way = { host: server.socketFolder, port: server.port, database: 'shop' };
      const given = 'container' in own ? { database: 'shop', ...own } : { ...way, ...own };
      await assert.rejects(task.collect(given), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
      assert.deepEqual(await readdir(task.context.workFolder), []);
    });
  }

  const answersVersion = 'case $1 in --version) exec "$REAL" "$@";; esac';
  /** What stands for pg_dump; `$REAL` is the real one. */
  const badPrograms: readonly {
    readonly title: string;
    readonly script: string;
    readonly options?: object;
    readonly message: RegExp;
    readonly hint: RegExp;
  }[] = [
    {
      title: 'one older than the server',
      script: 'case $1 in --version) echo "pg_dump (PostgreSQL) 9.6.24";; esac',
      message: /^postgresql: pg_dump 9 is too old for the server, which is version \d+$/,
      hint: /^Install postgresql-client-\d+, or set tools\.pg_dump_cmd to its pg_dump\.$/,
    },
    {
      title: 'something else',
      script: 'echo "something else 15"',
      message: /^postgresql: pg_dump does not tell its version: "something else 15"$/,
      hint: /tools\.pg_dump_cmd/,
    },
    {
      title: 'a program that writes nothing and ends well',
      script: answersVersion,
      message: /^postgresql: the dump of shop is empty$/,
      hint: /PATH/,
    },
    {
      title: 'one whose dump is cut off though it ends well',
      script: `${answersVersion}; "$REAL" "$@" | head -c 200000`,
      message: /^postgresql: the dump of shop cannot be read back: pg_restore ended with exit code 1: .*end of file/s,
      hint: /by hand/,
    },
    {
      title: 'one whose SQL is cut off though it ends well',
      script: `${answersVersion}; "$REAL" "$@" | head -c 200000`,
      options: { format: 'plain' },
      message: /^postgresql: the dump of shop is cut off: it has no "-- PostgreSQL database dump complete"$/,
      hint: /PATH/,
    },
    {
      title: 'one whose folder lacks a file though it ends well',
      script: `${answersVersion}; for word; do case $word in --file=*) folder=\${word#--file=};; esac; done
        "$REAL" "$@" && rm "$folder"/[0-9]*.dat`,
      options: { format: 'directory' },
      message:
        /^postgresql: the dump of shop cannot be read back: pg_restore ended with exit code 1: .*could not open input file/s,
      hint: /by hand/,
    },
    {
      title: 'one that breaks off',
      script: `${answersVersion}; "$REAL" "$@" | head -c 200000; echo "lost connection" >&2; exit 1`,
      message: /^postgresql: the dump of shop ended with exit code 1: lost connection$/,
      hint: /by hand/,
    },
    {
      title: 'one that takes too long',
      script: `${answersVersion}; exec sleep 60`,
      options: { timeout: '1s' },
      message: /^postgresql: the dump of shop took too long and was ended$/,
      hint: /a longer timeout/,
    },
  ];
  for (const { title, script, options, message, hint } of badPrograms) {
    test(`in place of pg_dump ${title} fails the task`, async (t) => {
      const folder = await programFolder(t, server, ['psql', 'pg_restore']);
      await writeProgram(join(folder, 'pg_dump'), `REAL=${server.programs}/pg_dump\n${script}`);
      const task = await collectorTask(t, postgresqlCollector, { pg_dump: join(folder, 'pg_dump') });
      const given = { host: server.socketFolder, port: server.port, database: 'shop', ...options };
      await assert.rejects(task.collect(given), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
      assert.deepEqual(await readdir(task.context.workFolder), []);
    });
  }

  for (const missing of ['pg_dump', 'psql', 'pg_restore', 'pg_dumpall']) {
    test(`${missing} that is not there is told before anything is dumped`, async (t) => {
      const others = ['pg_dump', 'psql', 'pg_restore', 'pg_dumpall'].filter((name) => name !== missing);
      const folder = await programFolder(t, server, others);
      const task = await collectorTask(t, postgresqlCollector, { pg_dump: join(folder, 'pg_dump') });
      const options = { host: server.socketFolder, port: server.port, database: 'shop', globals: true };
      await assert.rejects(task.check(options), {
        name: 'BackupError',
        message: `postgresql: there is no ${missing}`,
        hint: /Install postgresql-client/,
      });
    });
  }
});

/** A folder with some of the real programs, which the account postgres may use. */
async function programFolder(
  t: TestContext,
  { programs }: PostgresqlServer,
  names: readonly string[],
): Promise<string> {
  const folder = await tempFolder(t);
  await chmod(folder, 0o755);
  for (const name of names) await symlink(join(programs, name), join(folder, name));
  return folder;
}
