import { servicesIn } from '#common/archive/snapshot-tags.ts';
import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { exitCodes } from '#common/errors.ts';
import { hostNamed } from '../select-hosts.ts';
import { commonTools, load } from './load.ts';

/** `backup-server snapshots HOST` */
export async function snapshots(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const host = hostNamed(config.hosts, context.args[0] ?? '');
  const restic = await commonTools(config, context).openRestic(host);
  const found = (await restic.snapshots()).map(({ id, shortId, time, tags }) => ({
    id,
    shortId,
    time: time.toISOString(),
    ...servicesIn(tags),
  }));
  const lines = found.map(({ shortId, time, good, failed }) => {
    const partial = failed.length === 0 ? '' : `  PARTIAL, without ${failed.join(', ')}`;
    return `${shortId}  ${time.slice(0, 19).replace('T', ' ')} UTC  ${good.join(', ')}${partial}`;
  });
  const text = lines.length === 0 ? `no snapshot of ${host.name} yet` : lines.join('\n');
  return { exitCode: exitCodes.done, text, json: found };
}
