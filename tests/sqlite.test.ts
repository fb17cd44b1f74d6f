import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, chown, copyFile, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Command } from '#common/process/command.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { sqliteCollector } from '#plugins/sqlite/sqlite-collector.ts';
import { type CollectorTask, collectorTask, unpack, withPath, writeProgram } from './rig/collector-task.ts';
import { startFleet } from './rig/fleet.ts';
import { sandboxed, sandboxProblem } from './rig/sandbox.ts';
import { openSqlite, startSqliteWriter } from './rig/sqlite-writer.ts';

const runner = execaRunner();
const noSandbox = (await sandboxProblem()) ?? false;
const journalModes = ['wal', 'delete'] as const;
const defaults = { integrity_check: 'full', busy_timeout: '1m', timeout: '1m' } as const;

collectorContract(sqliteCollector, {
  good: {
    options: async (folder) => {
      await makeDatabase(join(folder, 'shop.db'), 'wal');
      await makeDatabase(join(folder, 'wiki.db'), 'delete');
      return { paths: [join(folder, 'shop.db'), { path: join(folder, 'wiki.db'), as: 'pages' }] };
    },
    holds: ['sqlite/shop.db', 'sqlite/pages'],
  },
  failing: { options: async (folder) => ({ paths: [join(folder, 'gone.db')] }) },
});

describe('sqlite', () => {
  for (const mode of journalModes) {
    test(`journal_mode=${mode}: a database is whole while a program writes to it all the time`, async (t) => {
      const task = await collectorTask(t, sqliteCollector);
      const path = join(task.folder, 'shop.db');
      await makeDatabase(path, mode, 20_000);
      const writer = await startSqliteWriter(
        path,
        'INSERT INTO orders(what) VALUES (hex(randomblob(200))); UPDATE total SET n = n + 1',
      );
      try {
        await task.collect({ paths: [path] });
        await writer.goesOn();
      } finally {
        await writer.stop();
      }
      const restored = await restoreByHand(t, task);
      const [orders, total] = (await sql(restored, 'SELECT count(*) FROM orders; SELECT n FROM total')).split('\n');
      assert.equal(orders, total);
      assert.ok(Number(total) > 20_000);
      assert.ok(Number(total) < Number(await sql(path, 'SELECT n FROM total')));
    });
  }

  test('owner and rights are those of the database, also behind a symbolic link', async (t) => {
    const fleet = await startFleet();
    t.after(() => fleet.stop());
    const path = join(fleet.folder, 'shop #1?.db');
    await makeDatabase(path, 'delete');
    await chown(path, 33, 34);
    await chmod(path, 0o640);
    await symlink(path, join(fleet.folder, 'shop.db'));
    await fleet.writeService('other', 'shop', { sqlite: { paths: [join(fleet.folder, 'shop.db')] } });
    const { exitCode, stderr } = await fleet.localBackup('run');
    assert.equal(exitCode, 0, stderr);
    const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
    const args = [
      '-xzpf',
      join(fleet.drop, archive),
      '--numeric-owner',
      '-C',
      fleet.folder,
      'other/shop/sqlite/shop.db',
    ];
    assert.equal((await runner.run({ file: 'tar', args })).exitCode, 0);
    const restored = join(fleet.folder, 'other/shop/sqlite/shop.db');
    const { uid, gid, mode } = await stat(restored);
    assert.deepEqual([uid, gid, mode & 0o777], [33, 34, 0o640]);
    assert.equal(await sql(restored, 'SELECT count(*) FROM orders'), '100');
  });

  for (const mode of journalModes) {
    test(`journal_mode=${mode}: in the sandbox of the unit nothing is needed or left beside a database`, {
      skip: noSandbox,
    }, async (t) => {
      const unit = readFileSync('systemd/local-backup.service', 'utf8');
      const task = await collectorTask(t, sqliteCollector);
      const data = await tempFolder(t);
      const [idle, used] = [join(data, 'idle.db'), join(data, 'used.db')];
      for (const path of [idle, used]) await makeDatabase(path, mode);
      const run = (command: Command) => runner.run(sandboxed(unit, [task.context.workFolder], command));
      const context = { ...task.context, runner: { ...runner, run } };
      const writer = await startSqliteWriter(used, 'UPDATE total SET n = n + 1');
      try {
        await sqliteCollector.collect({ paths: [idle, used], ...defaults }, context, task.archive);
        assert.deepEqual(
          (await readdir(data)).filter((name) => name.startsWith('idle')),
          ['idle.db'],
        );
      } finally {
        await writer.stop();
      }
      assert.equal(await sql(await restoreByHand(t, task, 'idle.db'), 'SELECT n FROM total'), '100');
      assert.ok(Number(await sql(await restoreByHand(t, task, 'used.db'), 'SELECT n FROM total')) > 100);
    });
  }
});

describe('sqlite tells', () => {
  test('that its program is missing, and how to get it', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const path = await databaseIn(task);
    withPath(t, join(task.folder, 'bin'));
    await assert.rejects(task.collect({ paths: [path] }), {
      name: 'BackupError',
      message: 'sqlite: there is no program sqlite3',
      hint: 'Install it: apt-get install sqlite3',
    });
  });

  test('that a path is gone, or is no database', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const text = join(task.folder, 'text.db');
    await writeFile(text, 'SQLite format 2');
    await assert.rejects(task.check({ paths: [join(task.folder, 'gone.db')] }), {
      message: `sqlite: ${task.folder}/gone.db does not exist`,
      hint: 'Correct the path in service.yaml.',
    });
    for (const path of [text, task.folder]) {
      await assert.rejects(task.check({ paths: [path] }), {
        message: `sqlite: ${path} is no SQLite database`,
        hint: /files task/,
      });
    }
  });

  test('that two databases have the same last name', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    await assert.rejects(task.check({ paths: ['/srv/a/app.db', '/srv/b/app.db'] }), {
      message: 'sqlite: /srv/a/app.db and /srv/b/app.db would both be sqlite/app.db in the archive',
      hint: /as: NAME/,
    });
  });

  test('that a program keeps the database locked', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const path = await databaseIn(task);
    const holder = await openSqlite(path, 'BEGIN EXCLUSIVE');
    t.after(() => holder.stop());
    await assert.rejects(task.collect({ paths: [path], busy_timeout: '1s' }), {
      message: /^sqlite: copying \S+shop\.db ended with exit code \d+: .*database is locked/,
      hint: /busy_timeout/,
    });
    assert.deepEqual([...task.archive.entries.keys()], []);
  });

  test('that a program died while it wrote', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const path = await databaseIn(task);
    const writer = await openSqlite(path, 'PRAGMA cache_size=1; BEGIN; UPDATE orders SET what = hex(randomblob(5000))');
    t.after(() => writer.stop());
    const dead = join(task.folder, 'dead.db');
    for (const file of ['', '-journal']) await copyFile(path + file, dead + file);
    await assert.rejects(task.collect({ paths: [dead] }), {
      message: /^sqlite: copying \S+dead\.db ended with exit code \d+: .*readonly database/,
      hint: /start it once/,
    });
  });

  test('that a database is damaged, or cut off', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const [damaged, short] = [join(task.folder, 'damaged.db'), join(task.folder, 'short.db')];
    for (const path of [damaged, short]) await makeDatabase(path, 'delete', 5000);
    await truncate(short, 40_000);
    await assert.rejects(task.collect({ paths: [short] }), { message: /short\.db .*malformed/, hint: /\.recover/ });
    await damage(damaged);
    await assert.rejects(task.collect({ paths: [damaged] }), {
      message: `sqlite: ${damaged} is damaged: row 50 missing from index by_what`,
      hint: /\.recover/,
    });
    assert.deepEqual([...task.archive.entries.keys()], []);
  });

  test('that copying takes too long', async (t) => {
    const task = await collectorTask(t, sqliteCollector);
    const path = await databaseIn(task);
    const bin = join(task.folder, 'bin');
    await writeProgram(join(bin, 'sqlite3'), '[ "$1" = --version ] || exec sleep 60');
    withPath(t, `${bin}:${process.env.PATH}`);
    await assert.rejects(task.collect({ paths: [path], timeout: '1s' }), {
      message: /^sqlite: copying \S+shop\.db took too long and was ended$/,
      hint: /longer timeout/,
    });
  });
});

/** `orders` has as many rows as `total` says. */
async function makeDatabase(path: string, mode: (typeof journalModes)[number], orders = 100): Promise<void> {
  await sql(
    path,
    `PRAGMA journal_mode=${mode};
     CREATE TABLE orders(id INTEGER PRIMARY KEY, what TEXT); CREATE INDEX by_what ON orders(what);
     CREATE TABLE total(n); INSERT INTO total VALUES (${orders});
     WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${orders})
       INSERT INTO orders(what) SELECT hex(randomblob(100)) FROM c;`,
  );
}

async function databaseIn({ folder }: CollectorTask): Promise<string> {
  const path = join(folder, 'shop.db');
  await makeDatabase(path, 'delete');
  return path;
}

/** Changes a letter in a row, so that the index no longer agrees with it. */
async function damage(path: string): Promise<void> {
  const what = await sql(path, 'SELECT what FROM orders WHERE id = 50');
  const content = await readFile(path);
  content[content.indexOf(what) + 10] = 0x21;
  await writeFile(path, content);
}

async function sql(path: string, text: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runner.run({ file: 'sqlite3', args: ['-batch', '-bail', path, text] });
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

/** Puts the copy where it was, as the README says; its path. */
async function restoreByHand(t: TestContext, { archive }: CollectorTask, name = 'shop.db'): Promise<string> {
  const folder = await tempFolder(t);
  await unpack(archive, folder);
  const path = join(folder, 'sqlite', name);
  assert.equal(await sql(path, 'PRAGMA integrity_check'), 'ok');
  return path;
}
