import type { Container } from './containers.ts';

/** What of a compose project ran, as plain data. */
export interface StoppedProject {
  readonly project: string;
  readonly folder: string;
  readonly mode: 'stop' | 'pause';
  /** In the groups in which it is started again. */
  readonly groups: readonly (readonly StoppedContainer[])[];
  /** How long a container may take to end; null: as it says itself. */
  readonly stopSeconds: number | null;
  readonly startTimeoutMs: number;
  /** For how long those without a health check must run before they count. */
  readonly settleMs: number;
}

export interface StoppedContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** By which it is known whether it has been started since. */
  readonly startedAt: string;
  /** No more than before: what was ill need not be well, and what went up and down all the time need not stay up. */
  readonly expectation: 'healthy' | 'running' | 'nothing';
}

export function stoppedContainer({ id, name, service, startedAt, state, health }: Container): StoppedContainer {
  const isWell = health === 'healthy' || health === 'starting';
  const expectation = state === 'restarting' ? 'nothing' : isWell ? 'healthy' : 'running';
  return { id, name, service, startedAt, expectation };
}

/** The container itself, or the one that compose has made anew in its place meanwhile. */
export function currentOf({ id, service }: StoppedContainer, now: readonly Container[]): Container | undefined {
  const successors = now.filter((container) => container.service === service);
  return (
    now.find((container) => container.id === id) ?? successors.find(({ state }) => state === 'running') ?? successors[0]
  );
}

/** How a container does after its start. */
export type Progress =
  | { readonly type: 'up' }
  | { readonly type: 'waiting' }
  | { readonly type: 'failed'; readonly reason: string };

export function progressOf(
  { expectation }: Pick<StoppedContainer, 'expectation'>,
  now: Container | undefined,
): Progress {
  if (now === undefined) return { type: 'failed', reason: 'is gone' };
  if (expectation === 'nothing') return { type: 'up' };
  const { state, exitCode, health } = now;
  if (state === 'exited' || state === 'dead') return { type: 'failed', reason: `ended with exit code ${exitCode}` };
  if (state !== 'running') return { type: 'waiting' };
  if (expectation === 'running' || health === undefined || health === 'healthy') return { type: 'up' };
  return health === 'unhealthy' ? { type: 'failed', reason: 'is unhealthy' } : { type: 'waiting' };
}
