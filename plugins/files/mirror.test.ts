import assert from 'node:assert/strict';
import { access, chmod, lstat, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContext, type TestContext } from '#common/testing/collector-context.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { filesCollector } from './files-collector.ts';
import type { FilesOptions } from './files-schema.ts';
import { filesSnapshot } from './files-snapshot.ts';
import { rsyncCommand, vanishedIn } from './mirror.ts';

test('a place is mirrored with all its attributes and the patterns of the task', () => {
  assert.deepEqual(rsyncCommand('nice rsync', '/srv/a', '/kept/a', ['+ x.log', '*.log']), {
    file: 'nice',
    args: [
      'rsync',
      '-aHAX',
      '--numeric-ids',
      '--sparse',
      '--modify-window=-1',
      '--delete',
      '--delete-excluded',
      '--exclude=+ x.log',
      '--exclude=*.log',
      '--',
      '/srv/a',
      '/kept/a/',
    ],
  });
});

test('what vanished is known by exit code 24 and the lines that name it', () => {
  const stderr = 'file has vanished: "/srv/a b"\nfile has vanished: "/srv/c"\nrsync warning: some files vanished\n';
  assert.deepEqual(vanishedIn({ exitCode: 24, stderr }), ['/srv/a b', '/srv/c']);
  assert.deepEqual(vanishedIn({ exitCode: 0, stderr }), []);
});

describe('files by a mirror', () => {
  it('are those of the moment at which the service stood still', async ({ source, task }) => {
    await writeFile(join(source, 'old'), 'before');
    await task.whole({
      whileRunning: async () => {
        await rm(join(source, 'old'));
        await writeFile(join(source, 'new'), 'last words');
      },
      afterwards: () => writeFile(join(source, 'new'), 'running again'),
    });
    assert.deepEqual(task.contents(), { 'data/source/new': 'last words' });
  });

  it('have the last state of one that changed twice within a second', async ({ source, task }) => {
    const file = join(source, 'page');
    await writeFile(file, 'one');
    await utimes(file, 1_700_000_000.25, 1_700_000_000.25);
    await task.whole({
      whileRunning: async () => {
        await writeFile(file, 'two');
        await utimes(file, 1_700_000_000.75, 1_700_000_000.75);
      },
    });
    assert.deepEqual(task.contents(), { 'data/source/page': 'two' });
  });

  it('are compared with what is there: only what has changed is written again', async ({ source, task }) => {
    await writeFile(join(source, 'page'), 'hello');
    await task.whole();
    const mirrored = join(task.context.keptFolder, 'source/source/page');
    const before = await lstat(mirrored);
    await task.whole();
    const after = await lstat(mirrored);
    assert.deepEqual([after.ino, after.ctimeMs], [before.ino, before.ctimeMs]);
  });

  it('follow the patterns and the list of the task, also when these change', async ({ folder, source, task }) => {
    for (const name of ['page', 'x.log', 'keep.log']) await writeFile(join(source, name), name);
    await writeFile(join(folder, 'one.conf'), 'a=1');
    await symlink('nowhere', join(folder, 'link'));
    const paths = [source, { path: join(folder, 'one.conf'), as: 'app.conf' }, join(folder, 'link')];
    await task.whole({}, { paths });
    assert.deepEqual((await readdir(task.context.keptFolder)).sort(), ['app.conf', 'link', 'source']);
    await task.whole({}, { paths: [source], exclude: ['+ keep.log', '*.log'] });
    assert.deepEqual(task.contents(), { 'data/source/keep.log': 'keep.log', 'data/source/page': 'page' });
    assert.deepEqual(await readdir(task.context.keptFolder), ['source']);
  });

  it('that need not be there and are gone leave no old state behind', async ({ source, task }) => {
    await writeFile(join(source, 'page'), 'hello');
    await task.whole();
    await rename(source, `${source}-away`);
    await task.whole({}, { optional: true });
    assert.deepEqual(task.contents(), {});
    assert.match(task.context.warnings.join(), /source is not there, and need not be/);
  });

  for (const vanished of ['warn', 'fail'] as const) {
    it(`that vanish meanwhile: ${vanished}`, async ({ folder, source, task }) => {
      const rsync = join(folder, 'rsync');
      const script = `rsync "$@"; echo 'file has vanished: "${source}/x"' >&2; exit 24`;
      await writeFile(rsync, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const run = task.whole({}, { vanished }, { rsync });
      const message = `files: vanished while being mirrored: ${source}/x`;
      if (vanished === 'fail') await assert.rejects(run, { name: 'BackupError', message, hint: /vanished: warn/ });
      else await run;
      assert.deepEqual(task.context.warnings, vanished === 'fail' ? [] : [message]);
    });
  }

  const failures = [
    ['exit 23', /^files: cannot mirror .*: it ended with exit code 23$/, /what rsync names/],
    ['echo "rsync: No space left on device (28)" >&2; exit 11', /No space left on device/, /below base_backup_dir/],
    ['echo "rsync: chown failed: Operation not permitted (1)" >&2; exit 23', /not permitted/, /the drop-in/],
  ] as const;
  for (const [script, message, hint] of failures) {
    it(`fail when rsync does: ${script}`, async ({ folder, task }) => {
      const rsync = join(folder, 'rsync');
      await writeFile(rsync, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      await assert.rejects(task.whole({}, {}, { rsync }), { name: 'BackupError', message, hint });
    });
  }

  it('need rsync', async ({ task }) => {
    await assert.rejects(task.whole({}, {}, { rsync: 'no-such-rsync' }), {
      message: 'files: there is no program no-such-rsync',
      hint: /Install rsync/,
    });
  });

  it('cannot hold their own mirror', async ({ folder, task }) => {
    await assert.rejects(task.whole({}, { paths: [folder] }), {
      message: `files: ${folder} holds the mirror itself, ${task.context.keptFolder}`,
      hint: /outside of what it saves/,
    });
    await assert.rejects(access(task.context.keptFolder));
  });

  it('are no snapshots as well', async ({ task }) => {
    await assert.rejects(task.whole({}, { snapshot: 'auto' }), { message: /two ways to stop a service/ });
  });

  it('are nobody else’s to read', async ({ source, task }) => {
    await chmod(source, 0o755);
    await task.whole();
    assert.equal((await lstat(task.context.keptFolder)).mode & 0o777, 0o700);
  });
});

interface Moments {
  readonly whileRunning?: () => Promise<void>;
  readonly afterwards?: () => Promise<void>;
}

interface Task {
  readonly context: TestContext;
  /** As a service runs it, into a new archive. */
  whole(moments?: Moments, options?: Partial<FilesOptions>, tools?: { readonly rsync: string }): Promise<void>;
  /** The files of the archive. */
  contents(): Record<string, string>;
}

interface Given {
  readonly folder: string;
  readonly source: string;
  readonly task: Task;
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (test) => {
    const folder = await tempFolder(test);
    const source = join(folder, 'source');
    await mkdir(source);
    await check({ folder, source, task: taskIn(folder, source) });
  });
}

function taskIn(folder: string, source: string): Task {
  const context = collectorContext(folder, 'files');
  let archive: MemoryArchive = memoryArchive();
  return {
    context,
    whole: async ({ whileRunning, afterwards } = {}, given = {}, tools) => {
      archive = memoryArchive();
      const rest = { optional: false, snapshot: 'none', vanished: 'warn' } as const;
      const options: FilesOptions = { paths: [source], exclude: [], via: 'rsync', ...rest, ...given };
      const own = { ...context, tools: { ...context.tools, ...tools } };
      await filesCollector.check?.(options, own);
      await filesCollector.prepare?.(options, own);
      await whileRunning?.();
      const state = await filesSnapshot.plan(options, own);
      assert.ok(state !== undefined && filesSnapshot.isComplete(state));
      await filesSnapshot.begin(state, own);
      await afterwards?.();
      await filesCollector.collect(options, own, archive, state);
      await filesSnapshot.end(state, own);
    },
    contents: () => {
      const files = [...archive.entries].filter(([path]) => !path.endsWith('/'));
      return Object.fromEntries(files.map(([path, content]) => [path, content.toString()]));
    },
  };
}
