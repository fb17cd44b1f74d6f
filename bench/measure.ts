import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { BackupError } from '#common/errors.ts';
import type { Command } from '#common/process/command.ts';

export interface ProgramUse {
  readonly seconds: number;
  readonly stdout: string;
  /** Bytes that it and all its children read and wrote, from whatever: files, caches, pipes (`rchar` + `wchar`). */
  readonly transferredBytes: number;
  /** The most that it and its children had in memory at one moment, looked at ten times a second; without restic. */
  readonly peakBytes: number;
}

/** The kernel adds a child's counts to its parent's when it is waited for: the shell has the sum at its end. */
const countedRun = '"$@"; code=$?; while read -r line; do echo "$line" >&3; done </proc/$$/io; exit $code';

/** Runs a program that must end well. `watch`: looks at its memory, which takes a little time of its own. */
export async function run({ file, args, env, cwd }: Command, watch = false): Promise<ProgramUse> {
  const start = performance.now();
  const child = spawn('sh', ['-c', countedRun, 'sh', file, ...args], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr, io] = [1, 2, 3].map((fd) => gather(child.stdio[fd] as NodeJS.ReadableStream));
  let peakBytes = 0;
  const watching = setInterval(() => {
    if (watch) peakBytes = Math.max(peakBytes, residentBytes(child.pid ?? 0));
  }, 100);
  const [code] = await once(child, 'close');
  clearInterval(watching);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new BackupError(`${file} ${args[0]} ended with ${code}: ${(stderr?.() ?? '').slice(-2000)}`);
  return { seconds, stdout: stdout?.() ?? '', transferredBytes: transferred(io?.() ?? ''), peakBytes };
}

function gather(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts).toString();
}

function transferred(io: string): number {
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
  return count('rchar') + count('wchar');
}

/** Of all processes below this one but restic, whose memory depends on the repository. */
function residentBytes(ancestor: number): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), ...statOf(pid) }));
  const sumBelow = (parent: number): number =>
    processes
      .filter((process) => process.parent === parent && process.name !== 'restic')
      .reduce((sum, { pid, pages }) => sum + pages * 4096 + sumBelow(pid), 0);
  return sumBelow(ancestor);
}

/** From /proc/PID/stat; the name in brackets may hold anything. It may have ended. */
function statOf(pid: string): { name: string; parent: number; pages: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [name, fields] = [
      stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      stat.slice(stat.lastIndexOf(')') + 2).split(' '),
    ];
    return { name, parent: Number(fields[1]), pages: Number(fields[21]) };
  } catch {
    return { name: '', parent: 0, pages: 0 };
  }
}
