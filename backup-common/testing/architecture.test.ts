import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import manifest from '../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Which top folder may import from which others. `scripts`, `tests` and `bench` may look at everything. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'backup-common': [],
  plugins: ['backup-common'],
  'backup-client': ['backup-common', 'plugins'],
  'backup-server': ['backup-common'],
};

/** Where each library that the programs are shipped with is at home: one file, or the files of one folder. */
const homes: Readonly<Record<string, string>> = {
  ajv: 'backup-common/config/',
  commander: 'backup-common/cli.ts',
  execa: 'backup-common/process/execa-runner.ts',
  nodemailer: 'backup-common/notify/mailer.ts',
  pino: 'backup-common/create-log.ts',
  'proper-lockfile': 'backup-common/directory-lock.ts',
  ssh2: 'backup-server/store/',
  'ssh2-sftp-client': 'backup-server/store/',
  tar: 'backup-common/archive/second-reader.ts',
  yaml: 'backup-common/config/',
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const imports = [...Object.keys(arrows), 'scripts', 'tests', 'bench'].flatMap(filesBelow).flatMap(importsOf);
const inProduct = imports.filter(({ file }) => topOf(file) in arrows);
const inShippedCode = inProduct.filter(({ file }) => !isForTests(file));

test('the whole tree was read', () => {
  for (const [file, specifier] of [
    ['backup-client/main.ts', '#common/cli.ts'],
    ['plugins/files/files-collector.ts', '#common/plugin/collector.ts'],
    ['backup-common/process/execa-runner.ts', 'execa'],
  ])
    assert.ok(
      imports.some((each) => each.file === file && each.specifier === specifier),
      `${file} → ${specifier}`,
    );
});

test('folders import in the allowed directions only', () => {
  const wrong = inProduct.filter(({ file, specifier }) => {
    const target = targetOf(file, specifier);
    if (target === undefined) return false;
    const [from, to] = [topOf(file), topOf(target)];
    return from !== to && to !== 'package.json' && !arrows[from]?.includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('imports are relative within a top folder and by the import map across', () => {
  const wrong = inProduct.filter(({ file, specifier }) => {
    const target = targetOf(file, specifier);
    if (target === undefined || target === 'package.json') return false;
    return specifier.startsWith('#') === (topOf(file) === topOf(target));
  });
  assert.deepEqual(wrong, []);
});

test('code that is shipped imports nothing that is for tests', () => {
  const wrong = inShippedCode.filter(({ file, specifier }) => isForTests(targetOf(file, specifier) ?? ''));
  assert.deepEqual(wrong, []);
});

test('every library that is shipped has one home', () => {
  assert.deepEqual(
    Object.keys(manifest.dependencies).filter((name) => !(name in homes)),
    [],
  );
  const wrong = inProduct.filter(({ file, specifier }) => {
    const home = homes[packageOf(specifier) ?? ''];
    return home !== undefined && !isAtHome(file, home);
  });
  assert.deepEqual(wrong, []);
});

test('code that is shipped imports only libraries that are shipped, but for types', () => {
  const typesOnly = ['json-schema-to-ts'];
  const wrong = inShippedCode.filter(({ specifier }) => {
    const name = packageOf(specifier);
    return name !== undefined && !(name in manifest.dependencies) && !typesOnly.includes(name);
  });
  assert.deepEqual(wrong, []);
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return /\.(ts|mjs)$/.test(entry.name) ? [path] : [];
  });
}

/** Static and dynamic ones, those of types too. */
function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'));
  return importedFiles.map(({ fileName }) => ({ file, specifier: fileName }));
}

/** The file within the tree that is imported, from the root. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return relative(root, join(root, dirname(file), specifier));
  for (const [pattern, target] of Object.entries(manifest.imports)) {
    const prefix = pattern.slice(0, -1);
    if (specifier.startsWith(prefix)) return join(target.slice(0, -1), specifier.slice(prefix.length));
  }
  return undefined;
}

/** The name of the library that is imported. */
function packageOf(specifier: string): string | undefined {
  if (/^[.#]|^node:/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function topOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** A test beside a file with the same name may use its library too. */
function isAtHome(file: string, home: string): boolean {
  return home.endsWith('/') ? file.startsWith(home) : file.replace(/\.test\.ts$/, '.ts') === home;
}

function isForTests(file: string): boolean {
  return /\.(slow-)?test\.ts$|-contract\.ts$|\/testing\/|^tests\//.test(file);
}
