import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { exitCodes, hintOf, messagesOf } from '#common/errors.ts';
import { unitAdvice } from '#common/run/unit-advice.ts';
import type { HostConfig, ServerConfig } from '../config.ts';
import { neededPaths } from '../needed-paths.ts';
import { selectHosts } from '../select-hosts.ts';
import { openStore } from '../store/open-store.ts';
import { commonTools, load } from './load.ts';

interface Finding {
  readonly host: string;
  readonly what: 'client' | 'repository';
  /** Undefined when all is well. */
  readonly problem: string | undefined;
}

/** `backup-server check [HOST…]`: the configuration, then for each host its client and its repository. Changes nothing. */
export async function check(context: CommandContext): Promise<CommandOutcome> {
  const config = await load(context.configDir);
  const hosts = selectHosts(config.hosts, context.args);
  const findings = (await Promise.all(hosts.map((host) => checkHost(host, config, context)))).flat();
  const needed = Object.entries(neededPaths(config));
  const advice = (await Promise.all(needed.map(([unit, paths]) => unitAdvice(unit, paths)))).flat();
  const lines = findings.map(
    ({ host, what, problem }) =>
      `${problem === undefined ? 'ok    ' : 'FAILED'} ${host}: ${what}${problem === undefined ? '' : `: ${problem}`}`,
  );
  const exitCode = findings.every(({ problem }) => problem === undefined) ? exitCodes.done : exitCodes.failed;
  return { exitCode, text: [...lines, ...advice].join('\n'), json: { findings, unit: advice } };
}

async function checkHost(host: HostConfig, config: ServerConfig, context: CommandContext): Promise<Finding[]> {
  const tools = commonTools(config, context);
  const clock = { now: () => performance.now(), sleep: tools.sleep };
  const client = await problemOf(async () => {
    const store = await openStore(host, { clock, shared: undefined }, tools.signal, tools.runner);
    try {
      await store.lookAtLock();
      await store.list();
    } finally {
      await store.close();
    }
  });
  const repository = await problemOf(async () => (await tools.openRestic(host)).snapshots());
  return [
    { host: host.name, what: 'client', problem: client },
    { host: host.name, what: 'repository', problem: repository },
  ];
}

async function problemOf(look: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    const hint = hintOf(error);
    return [...messagesOf(error), ...(hint === undefined ? [] : [`→ ${hint}`])].join(' ');
  }
}
