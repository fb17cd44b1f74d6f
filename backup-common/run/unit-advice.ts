import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dropInFor, type NeededPath, refusedPaths } from './unit-paths.ts';

/** Where units are looked for, the first place wins; drop-ins of all places count. */
const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/lib/systemd/system'];

/** What to do so that the installed unit may use what the configuration names; nothing when all is well. */
export async function unitAdvice(unit: string, paths: readonly NeededPath[]): Promise<readonly string[]> {
  const text = await unitText(unit);
  if (text === undefined) return [];
  const refused = refusedPaths(text, paths);
  if (refused.length === 0) return [];
  const file = `/etc/systemd/system/${unit}.d/paths.conf`;
  return [
    ...refused.map(
      ({ path, needs, because, refusedBy }) => `${unit} may not ${needs} ${path} (${because}): ${refusedBy}`,
    ),
    `Put this into ${file}:`,
    dropInFor(refused),
    'and run: systemctl daemon-reload',
  ];
}

async function unitText(unit: string): Promise<string | undefined> {
  const units = await Promise.all(
    unitFolders.map((folder) => readFile(join(folder, unit), 'utf8').catch(() => undefined)),
  );
  const main = units.find((text) => text !== undefined);
  if (main === undefined) return undefined;
  const dropIns = await Promise.all(unitFolders.map((folder) => dropInsIn(join(folder, `${unit}.d`))));
  return [main, ...dropIns.flat()].join('\n');
}

async function dropInsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.conf')).sort();
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}
