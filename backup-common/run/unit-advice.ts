import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dropInFor, type NeededPath, type RefusedPath, refusedPaths } from './unit-paths.ts';
import { lastOf, unitSettings } from './unit-settings.ts';

/** Where units are looked for, the first place wins; drop-ins of all places count. */
const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/lib/systemd/system'];

/** A line that the unit's [Service] section needs, and the key of the configuration that says so. */
export interface NeededLine {
  /** `Key=value`. */
  readonly line: string;
  readonly because: string;
}

/** What to do so that the installed unit may do what the configuration names; nothing when all is well. */
export async function unitAdvice(
  unit: string,
  paths: readonly NeededPath[],
  lines: readonly NeededLine[] = [],
): Promise<readonly string[]> {
  const text = await unitText(unit);
  if (text === undefined) return [];
  return [...pathAdvice(unit, refusedPaths(text, paths)), ...lineAdvice(unit, missingLines(text, lines))];
}

/** Those lines that the text of a unit and its drop-ins does not have; of a list each word counts by itself. */
export function missingLines(text: string, lines: readonly NeededLine[]): readonly NeededLine[] {
  const settings = unitSettings(text);
  return lines.filter(({ line }) => {
    const [key = '', value = ''] = line.split('=', 2);
    const isSwitch = ['yes', 'no'].includes(value);
    return isSwitch ? lastOf(settings, key) !== value : !value.split(' ').every((word) => settings(key).includes(word));
  });
}

function lineAdvice(unit: string, missing: readonly NeededLine[]): readonly string[] {
  if (missing.length === 0) return [];
  return [
    ...missing.map(({ line, because }) => `${unit} lacks ${line} (${because})`),
    `Put this into /etc/systemd/system/${unit}.d/tasks.conf:`,
    ['[Service]', ...new Set(missing.map(({ line }) => line))].join('\n'),
    'and run: systemctl daemon-reload',
  ];
}

function pathAdvice(unit: string, refused: readonly RefusedPath[]): readonly string[] {
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
