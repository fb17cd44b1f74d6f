import { readFileSync } from 'node:fs';
import { hasCode } from './errors.ts';

/** Which process this is, in a way that survives pids being used again and machines being restarted. */
export interface ProcessIdentity {
  readonly pid: number;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTicks: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, bootId: bootId(), startTicks: startTicksOf(process.pid) ?? '' };
}

/** False when that process has certainly ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTicksOf(identity.pid) === identity.startTicks;
}

/** The identity in a parsed JSON value, or undefined. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, bootId: boot, startTicks } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || typeof boot !== 'string' || typeof startTicks !== 'string') return undefined;
  return { pid, bootId: boot, startTicks };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name in parentheses may hold blanks
    return hasEnded(state) ? undefined : rest[18];
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/** A zombie has ended; only its parent has not asked yet. */
function hasEnded(state: string | undefined): boolean {
  return state === 'Z' || state === 'X';
}
