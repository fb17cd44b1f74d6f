import type { Command } from '#common/process/command.ts';
import type { Advice } from '../snapshots/run-tool.ts';
import type { LxcOptions } from './lxc-schema.ts';

/** A container, as plain data. */
export type ContainerId =
  | { readonly type: 'lxc'; readonly name: string; readonly path: string }
  | { readonly type: 'pct'; readonly vmid: number };

/** What can be done to a container, whoever runs it. */
export interface ContainerCommands {
  /** For `parseStatus`. */
  readonly status: Command;
  /** Does not kill it; ends with another exit code than 0 when it does not shut down in time. */
  shutDown(seconds: number): Command;
  readonly kill: Command;
  readonly start: Command;
  readonly advice: Advice;
}

const lookMs = 60_000;
const changeMs = 5 * 60_000;
const defaultPath = '/var/lib/lxc';

export function containerIdOf({ container = '', vmid, lxc_path: path }: LxcOptions): ContainerId {
  return vmid === undefined ? { type: 'lxc', name: container, path } : { type: 'pct', vmid };
}

/** Its name for people and in the archive. */
export function nameOf(id: ContainerId): string {
  return id.type === 'lxc' ? id.name : String(id.vmid);
}

/** `hasSystemd`: a container must not be started as a child of ours, in our sandbox and ended with us. */
export function commandsOf(id: ContainerId, hasSystemd: boolean): ContainerCommands {
  switch (id.type) {
    case 'lxc':
      return lxcCommands(id.name, id.path, hasSystemd);
    case 'pct':
      return pctCommands(String(id.vmid));
    default:
      return id satisfies never;
  }
}

function lxcCommands(name: string, path: string, hasSystemd: boolean): ContainerCommands {
  const lxc = (verb: string, timeoutMs: number, ...args: string[]): Command => ({
    file: `lxc-${verb}`,
    args: ['--lxcpath', path, '--name', name, ...args],
    timeoutMs,
  });
  const foreground = lxc('start', changeMs, '--foreground');
  const unit = path === defaultPath ? `lxc@${name}.service` : `backup-suite-lxc-${name}.service`;
  return {
    status: lxc('info', lookMs, '--state', '--pid'),
    shutDown: (seconds) => lxc('stop', changeMs + seconds * 1000, '--nokill', '--timeout', String(seconds)),
    kill: lxc('stop', changeMs, '--kill'),
    start: hasSystemd ? startAsUnit(unit, foreground) : lxc('start', changeMs, '--daemon'),
    advice: {
      install: 'Install lxc.',
      hints: [
        [/doesn't exist/, 'Compare the name with "lxc-ls --fancy", and lxc_path with "lxc-config lxc.lxcpath".'],
        [/failed to load config/i, 'In local-backup.service it needs the drop-in that "local-backup check" prints.'],
      ],
      otherwise: `"lxc-start ${foreground.args.join(' ')}" shows more${hasSystemd ? `, and "journalctl -u ${unit}"` : ''}.`,
    },
  };
}

/** LXC's own unit, or one made for it where that looks in another folder. */
function startAsUnit(unit: string, { file, args, timeoutMs = changeMs }: Command): Command {
  if (unit.startsWith('lxc@')) return { file: 'systemctl', args: ['start', '--', unit], timeoutMs };
  const how = ['--quiet', '--collect', `--unit=${unit}`, '--property=Delegate=yes', '--property=KillMode=mixed'];
  return { file: 'systemd-run', args: [...how, '--', file, ...args], timeoutMs };
}

function pctCommands(vmid: string): ContainerCommands {
  const pct = (verb: string, timeoutMs: number, ...args: string[]): Command => ({
    file: 'pct',
    args: [verb, vmid, ...args],
    timeoutMs,
  });
  return {
    status: pct('status', lookMs, '--verbose'),
    shutDown: (seconds) => pct('shutdown', changeMs + seconds * 1000, '--timeout', String(seconds)),
    kill: pct('stop', changeMs),
    start: pct('start', changeMs),
    advice: {
      install: 'pct comes with Proxmox VE; a container of LXC itself is named by container.',
      hints: [
        [/does not exist/, 'Compare the number with "pct list".'],
        [/locked/, `Something works on it; see "pct config ${vmid}".`],
      ],
      otherwise: `See "pct config ${vmid}" and the task log of Proxmox.`,
    },
  };
}

/** Whether a container runs, and the process that it has begun with. */
export interface ContainerStatus {
  readonly isRunning: boolean;
  readonly pid: number | undefined;
}

/** `key: value` lines, as LXC and Proxmox print them alike. A container that is frozen does not run. */
export function parseStatus(output: string): ContainerStatus {
  const pid = /^pid:\s*(\d+)$/im.exec(output)?.[1];
  return {
    isRunning: /^(state|status):\s*(running|starting)$/im.test(output),
    pid: pid === undefined ? undefined : Number(pid),
  };
}

export function showRootPath(name: string, path: string): Command {
  const args = ['--lxcpath', path, '--name', name, '--config', 'lxc.rootfs.path'];
  return { file: 'lxc-info', args, timeoutMs: lookMs };
}

export function waitUntilRunning(name: string, path: string): Command {
  const args = ['--lxcpath', path, '--name', name, '--state', 'RUNNING', '--timeout', '60'];
  return { file: 'lxc-wait', args, timeoutMs: 2 * 60_000 };
}

export function pctCommand(verb: 'config' | 'mount' | 'unmount', vmid: number): Command {
  return { file: 'pct', args: [verb, String(vmid)], timeoutMs: changeMs };
}

export const listLxc: Command = { file: 'lxc-ls', args: ['-1'], timeoutMs: lookMs };
export const listPct: Command = { file: 'pct', args: ['list'], timeoutMs: lookMs };
