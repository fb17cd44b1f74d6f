import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, programs } from './programs.ts';

/** An npm package of which something is in one of the bundles. */
export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** By SPDX. */
  readonly license: string;
  /** Its lines "Copyright …", or its authors. */
  readonly copyright: readonly string[];
  /** The file with its licence; empty where it has none. */
  readonly text: string;
}

/** What esbuild really took into the bundles, by name. */
export async function thirdParties(): Promise<readonly ThirdParty[]> {
  const folders = new Set<string>();
  for (const program of programs) {
    const { metafile } = await build({ ...bundleOptions(program), write: false, metafile: true });
    for (const path of Object.keys(metafile.inputs)) {
      const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return Promise.all([...folders].sort().map(thirdPartyIn));
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly licenses?: ReadonlyArray<{ readonly type: string }>;
  readonly author?: string | { readonly name: string };
}

async function thirdPartyIn(folder: string): Promise<ThirdParty> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name, version, license = manifest.licenses?.[0]?.type, author } = manifest;
  if (license === undefined) throw new Error(`${folder}/package.json names no licence`);
  const lines = (await licenceText(folder)).split('\n').map((line) => line.trim());
  const authorName = typeof author === 'string' ? author : author?.name;
  const found = lines.filter(isCopyright).map((line) => line.replace(/^(?:Copyright|\(c\)|©|[\s:])+/i, ''));
  return {
    name,
    version,
    license,
    copyright: found.length > 0 ? found : [authorName ?? `the authors of ${name}`],
    text: lines.join('\n').trim(),
  };
}

/** A notice, and no sentence of a licence that begins with the word. */
function isCopyright(line: string): boolean {
  return /^[Cc]opyright\W+(?:\([Cc]\)|\d{4}|[A-Z])/.test(line) && !/[[{]yyyy[\]}]/.test(line);
}

async function licenceText(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => /^(licen[cs]e|copying)/i.test(file));
  return name === undefined ? '' : readFile(join(folder, name), 'utf8');
}
