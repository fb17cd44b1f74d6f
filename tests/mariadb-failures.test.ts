import assert from 'node:assert/strict';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { mariadbCollector } from '#plugins/mariadb/mariadb-collector.ts';
import { collectorTask, writeProgram } from './rig/collector-task.ts';
import { startFleet } from './rig/fleet.ts';
import { type MariadbServer, mariadbProblem, startMariadb } from './rig/mariadb.ts';
import { freePort } from './rig/storage-servers.ts';

const problem = await mariadbProblem();

describe('mariadb, when something is wrong', { skip: problem ?? false }, () => {
  let server: MariadbServer;
  let deadPort: number;
  before(async () => {
    deadPort = await freePort();
    server = await startMariadb();
    await server.sql(`create database shop; create table shop.orders as select seq, md5(seq) from mysql.seq_1_to_10000;
      create table shop.secrets (id int); create procedure shop.tidy() select 1;
      create user app@'127.0.0.1' identified by 'right'; grant select on shop.orders to app@'127.0.0.1';
      create user reader@'127.0.0.1' identified by 'right'; grant select, trigger, event, execute on shop.* to reader@'127.0.0.1'`);
  });
  after(() => server.stop());

  const byNetwork = (more: object) => ({ host: '127.0.0.1', port: server.port, user: 'app', ...more });
  const failures: readonly {
    readonly title: string;
    /** Laid over a dump of the database shop by the socket; `file` makes a file in the test's folder. */
    readonly options: (file: (name: string, content: string, mode?: number) => Promise<string>) => Promise<object>;
    readonly message: RegExp;
    readonly hint: RegExp;
  }[] = [
    {
      title: 'a wrong password',
      options: async (file) => byNetwork({ password: { file: await file('password', 'wrong\n') } }),
      message:
        /^mariadb: asking the server for its databases ended with exit code 1: .*Access denied for user 'app'@'127\.0\.0\.1' \(using password: YES\)$/s,
      hint: /\/root\/\.my\.cnf below \[client\] \(chmod 600\), or name the secret by password:/,
    },
    {
      title: 'no password',
      options: async (file) => byNetwork({ defaults_file: await file('my.cnf', '') }),
      message: /\(using password: NO\)$/,
      hint: /\/root\/\.my\.cnf/,
    },
    {
      title: 'an option file that others may read',
      options: async (file) => byNetwork({ defaults_file: await file('my.cnf', '', 0o644) }),
      message:
        /^mariadb: the password file cannot be used: \S+\/my\.cnf: holds a secret and can be read by others; chmod 600 \S+$/,
      hint: /mode 600/,
    },
    {
      title: 'a secret that is not there',
      options: async () => byNetwork({ password: { env: 'NOT_THERE' } }),
      message: /^mariadb: the password cannot be read$/,
      hint: /an environment variable/,
    },
    {
      title: 'a server that is down',
      options: async () => ({ host: '127.0.0.1', port: deadPort }),
      message: /^mariadb: asking the server for its databases ended with exit code 1: ERROR 2002 .*Can't connect/,
      hint: /mariadb-admin ping/,
    },
    {
      title: 'a database that is gone, or that the user may not see',
      options: async () => ({ database: undefined, databases: ['shop', 'gone', 'lost'] }),
      message: /^mariadb: the server has no database gone, lost$/,
      hint: /^See "mariadb-show" as the same user/,
    },
    {
      title: 'a routine that the user may not read',
      options: async (file) => byNetwork({ user: 'reader', password: { file: await file('password', 'right\n') } }),
      message:
        /^mariadb: the dump of shop ended with exit code 2: .*insufficient privileges to SHOW CREATE PROCEDURE `tidy`/s,
      hint: /SELECT, SHOW VIEW, TRIGGER and EVENT/,
    },
    {
      title: 'an option that the task gives itself',
      options: async () => ({ dump_options: ['--all-databases'] }),
      message: /^mariadb: dump_options has "--all-databases", which cannot be given there$/,
      hint: /keys of their own/,
    },
    {
      title: 'an option that would take the last line away',
      options: async () => ({ dump_options: '--skip-comments' }),
      message: /^mariadb: dump_options has "--skip-comments", which cannot be given there$/,
      hint: /keys of their own/,
    },
    {
      title: 'an option that mysqldump does not know',
      options: async () => ({ dump_options: '--quik' }),
      message: /^mariadb: the dump of shop ended with exit code \d: .*unknown option '--quik'$/s,
      hint: /mariadb-dump --help/,
    },
  ];
  for (const { title, options, message, hint } of failures) {
    test(`${title} is told with a hint, and leaves nothing`, async (t) => {
      const task = await collectorTask(t, mariadbCollector);
      const own = await options(async (name, content, mode = 0o600) => {
        const path = join(task.folder, name);
        await writeFile(path, content, { mode });
        return path;
      });
      const given = { host: server.socket, database: 'shop', ...own };
      await assert.rejects(task.collect(given), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  const answersVersion = 'case $1 in --version) exec mysqldump --version;; esac';
  const badPrograms: readonly {
    readonly title: string;
    readonly script: string;
    readonly options?: object;
    readonly message: RegExp;
    readonly hint: RegExp;
  }[] = [
    {
      title: 'something else',
      script: 'echo "something else 10.1"',
      message: /^mariadb: the dump program does not tell its version: "something else 10\.1"$/,
      hint: /tools\.mysqldump_cmd/,
    },
    {
      title: 'a program that writes nothing and ends well',
      script: answersVersion,
      message: /^mariadb: the dump of shop is empty$/,
      hint: /PATH/,
    },
    {
      title: 'one whose dump is cut off though it ends well',
      script: `${answersVersion}; mysqldump "$@" | head -c 200000`,
      message: /^mariadb: the dump of shop is cut off: it has no "-- Dump completed"$/,
      hint: /PATH/,
    },
    {
      title: 'one that breaks off',
      script: `${answersVersion}; mysqldump "$@" | head -c 200000; echo "Lost connection" >&2; exit 3`,
      message: /^mariadb: the dump of shop ended with exit code 3: .*Lost connection$/,
      hint: /by hand/,
    },
    {
      title: 'one that takes too long',
      script: `${answersVersion}; exec sleep 60`,
      options: { timeout: '1s' },
      message: /^mariadb: the dump of shop took too long and was ended$/,
      hint: /a longer timeout/,
    },
  ];
  for (const { title, script, options, message, hint } of badPrograms) {
    test(`in place of mysqldump ${title} fails the task`, async (t) => {
      const folder = await tempFolder(t);
      await writeProgram(join(folder, 'mysqldump'), script);
      await symlink('/usr/bin/mariadb', join(folder, 'mariadb'));
      const task = await collectorTask(t, mariadbCollector, { mysqldump: join(folder, 'mysqldump') });
      const given = { host: server.socket, database: 'shop', ...options };
      await assert.rejects(task.collect(given), { name: 'BackupError', message, hint });
      assert.deepEqual([...task.archive.entries.keys()], []);
    });
  }

  test('the programs have the names of either server, and are told when there are none', async (t) => {
    const folder = await tempFolder(t);
    const check = async () => {
      const task = await collectorTask(t, mariadbCollector, { mysqldump: join(folder, 'mysqldump') });
      await task.check({ host: server.socket, database: 'shop' });
    };
    const message = 'mariadb: there is no mariadb-dump or mysqldump';
    await assert.rejects(check(), { name: 'BackupError', message, hint: /Install mariadb-client/ });
    await symlink('/usr/bin/mariadb-dump', join(folder, 'mariadb-dump'));
    await assert.rejects(check(), { name: 'BackupError', message: 'mariadb: there is no mariadb or mysql' });
    await symlink('/usr/bin/mariadb', join(folder, 'mysql'));
    await check();
  });

  test('two tasks that write the same file fail the service, and the report says which', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    const task = { host: server.socket, database: 'shop' };
    await fleet.writeService('other', 'shop', { mariadb: task, mysql: task });
    await fleet.writeClientConfig();
    const { exitCode, stderr } = await fleet.localBackup('run');
    assert.equal(exitCode, 1);
    assert.match(stderr, /databases\/shop\.sql is in the archive already/);
  });
});
