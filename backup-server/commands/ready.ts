import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { Problems } from '#common/config/problems.ts';
import { parseYaml } from '#common/config/yaml-source.ts';
import { readiness } from '#common/readiness.ts';

/** `backup-server ready`: whether there is a host to back up. */
export async function ready({ configDir }: CommandContext): Promise<CommandOutcome> {
  return readiness(await toEdit(join(configDir, 'server_config.yml')));
}

async function toEdit(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return `write ${file}; there is a sample in /usr/share/doc/backup-server/examples`;
  const source = parseYaml(file, await readFile(file, 'utf8'), new Problems());
  const { hosts } = (source?.value ?? {}) as { readonly hosts?: unknown };
  return Array.isArray(hosts) && hosts.length === 0 ? `add hosts: to ${file}` : undefined;
}
