import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { exitCodes, kindOf } from '#common/errors.ts';
import { redact } from '#common/redact.ts';
import { selectHosts } from '../select-hosts.ts';
import { commonTools, load } from './load.ts';

/** `backup-server init [HOST…]`: makes the repositories that are not there yet. A run never does: what is missing then may be unmounted. */
export async function init(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const { openRestic } = commonTools(config, context);
  const results: { host: string; repository: string; result: string }[] = [];
  for (const host of selectHosts(config.hosts, context.args)) {
    const restic = await openRestic(host);
    const isThere = await restic.snapshots().then(
      () => true,
      (error: unknown) => {
        if (kindOf(error) === 'no-repository') return false;
        throw error;
      },
    );
    if (!isThere && !context.dryRun) await restic.init();
    const result = isThere ? 'is there already' : context.dryRun ? 'would be made' : 'made';
    results.push({ host: host.name, repository: redact(restic.repository), result });
  }
  const text = results.map(({ host, repository, result }) => `${host}: ${repository} ${result}`).join('\n');
  return { exitCode: exitCodes.done, text, json: results };
}
