import type { Asset, RecoveryContext } from '#common/plugin/collector.ts';
import { isProgram } from '../command/find-program.ts';
import { runTool } from '../snapshots/run-tool.ts';
import { commandsOf, listLxc, listPct } from './container-commands.ts';

/** The containers that Proxmox has on this machine, else those of LXC in its usual folder. */
export async function lxcAssets(context: RecoveryContext): Promise<readonly Asset[]> {
  const isProxmox = isProgram('pct', '/');
  if (!isProxmox && !isProgram('lxc-ls', '/')) return [];
  const { advice } = commandsOf(isProxmox ? { type: 'pct', vmid: 0 } : { type: 'lxc', name: '', path: '' }, false);
  const listed = await runTool(isProxmox ? listPct : listLxc, 'list the containers', context, advice);
  const names = isProxmox ? parsePctList(listed) : listed.split('\n').filter((name) => name !== '');
  return names.map((name) => ({ kind: 'container', name }));
}

/** A line of headings, then one line for each container, which begins with its number. */
export function parsePctList(output: string): readonly string[] {
  return output.split('\n').flatMap((line) => /^\d+(?=\s|$)/.exec(line.trim()) ?? []);
}
