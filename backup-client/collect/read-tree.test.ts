import assert from 'node:assert/strict';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { entriesByPath, openArchiveIndex } from '#common/archive/archive-index.ts';
import { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { checkedEntries } from '#common/archive/checked-entries.ts';
import { openFileSource } from '#common/archive/file-range-source.ts';
import type { IndexEntry } from '#common/archive/index-entry.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { readTree } from './read-tree.ts';

interface Read {
  readonly contents: ReadonlyMap<string, string>;
  readonly entries: readonly IndexEntry[];
  readonly warnings: readonly string[];
}

/** Collects `source` as `a` with a tar that, each time it has read, runs `meddle` (shell, in the source folder) before its output is seen. */
async function read(
  test: TestContext,
  source: string,
  meddle: string,
  excludes?: (path: string) => boolean,
): Promise<Read> {
  const folder = await tempFolder(test);
  const tar = join(folder, 'meddling-tar');
  const script = `#!/bin/sh\ntar "$@" >"${folder}/stream"; code=$?\n(cd "${source}" && ${meddle})\ncat "${folder}/stream"\nexit $code\n`;
  await writeFile(tar, script, { mode: 0o755 });
  const archive = join(folder, 'archive');
  const [file, spool] = await Promise.all([open(archive, 'w+'), open(join(folder, 'spool'), 'w+')]);
  const warnings: string[] = [];
  try {
    const writer = new ArchiveWriter(file, spool);
    const request = { source, as: 'a', ...(excludes !== undefined && { excludes }) };
    await readTree(request, 'a', writer, { tar, runner: execaRunner(), warn: (message) => warnings.push(message) });
    await writer.finish({ host: 'web', program: 'test', createdAt: '', services: [] }, 0n);
  } finally {
    await file.close();
    await spool.close();
  }
  return { ...(await contentsOf(archive)), warnings };
}

async function contentsOf(archive: string): Promise<Omit<Read, 'warnings'>> {
  const source = await openFileSource(archive);
  const index = await openArchiveIndex(source);
  assert.ok(index !== undefined);
  const contents = new Map<string, string>();
  const entries: IndexEntry[] = [];
  for await (const entry of entriesByPath(index)) entries.push(entry);
  for await (const { entry, content } of checkedEntries(index)) {
    let text = '';
    for await (const part of content()) text += part.toString();
    if (entry.type === 'file') contents.set(entry.path, text);
  }
  await source.close();
  return { contents, entries };
}

async function sourceWith(test: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const source = join(await tempFolder(test), 'source');
  await mkdir(source);
  for (const [name, content] of Object.entries(files)) await writeFile(join(source, name), content);
  return source;
}

const large = 'large '.repeat(100_000);

for (const [size, content] of [
  ['small', 'old'],
  ['large', large],
] as const) {
  it(`a ${size} file that changed while it was read is read once more`, async (test) => {
    const source = await sourceWith(test, { file: content, other: 'other' });
    const { contents, warnings } = await read(
      test,
      source,
      `[ -e ../done ] || { touch ../done; echo ' and new' >>file; }`,
    );
    assert.equal(contents.get('a/file'), `${content} and new\n`);
    assert.equal(contents.get('a/other'), 'other');
    assert.deepEqual(warnings, []);
  });

  it(`a ${size} file that keeps changing is kept, marked, and warned of`, async (test) => {
    const source = await sourceWith(test, { file: content });
    const { entries, warnings } = await read(test, source, 'echo more >>file');
    assert.equal(entries.find(({ path }) => path === 'a/file')?.unstable, true);
    assert.match(warnings.join(), /file kept changing while it was read/);
  });

  it(`a ${size} file that shrinks in both readings fails its task`, async (test) => {
    const source = await sourceWith(test, { file: content });
    await assert.rejects(read(test, source, `truncate -s -1 file`), /file shrank while it was read, twice/);
  });

  it(`a ${size} file that is gone when it is read again is left out, with a warning`, async (test) => {
    const source = await sourceWith(test, { file: content, other: 'other' });
    const { contents, warnings } = await read(test, source, 'rm -f file');
    assert.deepEqual([...contents.keys()], ['a/other']);
    assert.match(warnings.join(), /vanished while being read: .*\/source\/file/);
  });
}

it('what vanishes before tar comes to it is left out, with all below it', async (test) => {
  const source = await sourceWith(test, { 'z-last': 'z' });
  await mkdir(join(source, 'gone'));
  await writeFile(join(source, 'gone/file'), 'x');
  const before = await tempFolder(test);
  const tar = join(before, 'late-tar');
  await writeFile(tar, `#!/bin/sh\ncat >"${before}/list"; rm -rf "${source}/gone"; exec tar "$@" <"${before}/list"\n`, {
    mode: 0o755,
  });
  const archive = join(before, 'archive');
  const [file, spool] = await Promise.all([open(archive, 'w+'), open(join(before, 'spool'), 'w+')]);
  const warnings: string[] = [];
  const writer = new ArchiveWriter(file, spool);
  await readTree({ source, as: 'a' }, 'a', writer, {
    tar,
    runner: execaRunner(),
    warn: (message) => warnings.push(message),
  });
  await writer.finish({ host: 'web', program: 'test', createdAt: '', services: [] }, 0n);
  await Promise.all([file.close(), spool.close()]);
  assert.deepEqual(
    (await contentsOf(archive)).entries.map(({ path }) => path),
    ['a', 'a/z-last'],
  );
  assert.match(warnings.join(), /gone, .*gone\/file/);
});

it('a source that does not exist is an error with its name', async (test) => {
  const source = join(await tempFolder(test), 'nowhere');
  await assert.rejects(read(test, source, 'true'), /nowhere/);
});

it('excluded paths are not read, nor what is below them', async (test) => {
  const source = await sourceWith(test, { keep: 'k', 'drop.tmp': 'd' });
  const { contents } = await read(test, source, 'true', (path) => path.endsWith('.tmp'));
  assert.deepEqual([...contents.keys()], ['a/keep']);
});

/** More than a pipe holds. */
const longNames = Array.from({ length: 500 }, (_, index) => `${'n'.repeat(240)}${index}`);

const brokenTars: readonly { title: string; script: string; message: RegExp }[] = [
  {
    title: 'a program that is no tar is told apart from files that vanish',
    script: 'cat >/dev/null; echo "tar: file: Read error at byte 0: Input/output error" >&2; exit 2',
    message: /tar could not read .*source: tar: file: Read error at byte 0: Input\/output error/,
  },
  {
    title: 'a tar that ends before it has read its names fails with its own message',
    script: 'exec <&-; echo "tar: out of memory" >&2; exit 2',
    message: /tar could not read .*source: tar: out of memory/,
  },
  {
    title: 'a tar that ends well before it has read its names is not believed',
    script: 'exec tar --create --files-from=/dev/null',
    message: /tar left out .*source(\/.*)? without saying why/,
  },
];
for (const { title, script, message } of brokenTars) {
  it(title, async (test) => {
    const source = await sourceWith(test, Object.fromEntries(longNames.map((name) => [name, 'x'])));
    const folder = await tempFolder(test);
    const tar = join(folder, 'broken-tar');
    await writeFile(tar, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const [file, spool] = await Promise.all([open(join(folder, 'a'), 'w+'), open(join(folder, 's'), 'w+')]);
    const writer = new ArchiveWriter(file, spool);
    const reading = readTree({ source, as: 'a' }, 'a', writer, { tar, runner: execaRunner(), warn: assert.fail });
    await assert.rejects(reading, message);
    await Promise.all([file.close(), spool.close()]);
    assert.equal((await readFile(join(folder, 'a'))).length, 0);
  });
}
