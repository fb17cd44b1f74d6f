import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes a plugin that may be run; its path. */
export async function pluginScript(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

/** An executable plugin in POSIX shell, with the commands for each verb. */
export function shellVerbs(description: object, verbs: Readonly<Record<string, string>>): string {
  const told = { protocol: 1, schema: { type: 'object' }, ...description };
  const cases = Object.entries(verbs).map(([verb, commands]) => `${verb})\n${commands}\n;;`);
  return [
    '#!/bin/sh',
    `case $1 in`,
    `describe) cat <<'END'`,
    JSON.stringify(told),
    'END',
    ';;',
    ...cases,
    'esac',
    '',
  ].join('\n');
}
