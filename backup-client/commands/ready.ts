import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { Problems } from '#common/config/problems.ts';
import { readiness } from '#common/readiness.ts';
import { loadClientConfig } from '../config.ts';
import { findServiceFiles } from '../discover.ts';

/** `local-backup ready`: whether there is a service to back up. A machine that made a backup before always is ready. */
export async function ready({ configDir }: CommandContext): Promise<CommandOutcome> {
  return readiness(await toEdit(configDir));
}

async function toEdit(configDir: string): Promise<string | undefined> {
  const file = join(configDir, 'client_config.yml');
  const examples = '/usr/share/doc/backup-client/examples';
  if (!existsSync(file)) return `write ${file}; there is a sample in ${examples}`;
  const problems = new Problems();
  const services = await findServiceFiles(configDir, problems);
  const config = await loadClientConfig(configDir, problems);
  const isForTheRunToTell = services.length > 0 || problems.list.length > 0 || config === undefined;
  if (isForTheRunToTell || existsSync(join(config.stateDir, 'reports/local-backup'))) return undefined;
  return `write ${configDir}/<type>/<service>/service.yaml; there are samples in ${examples}`;
}
