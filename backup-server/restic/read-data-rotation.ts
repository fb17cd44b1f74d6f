import type { ReadDataPlan } from '../read-data.ts';

/** Where the rotation stands: part `next` (from 1) of `parts` is to be read next. */
export interface Rotation {
  readonly parts: number;
  readonly next: number;
  /** When the last part was read, ISO 8601. */
  readonly lastRead: string;
}

/** Undefined for what is no rotation: the round starts anew then. */
export function parseRotation(text: string): Rotation | undefined {
  try {
    const { parts, next, lastRead } = Object(JSON.parse(text)) as Rotation;
    const isSound = [parts, next].every((count) => Number.isInteger(count) && count > 0) && next <= parts;
    return isSound && !Number.isNaN(Date.parse(lastRead)) ? { parts, next, lastRead } : undefined;
  } catch {
    return undefined;
  }
}

/** The timer's interval, when no earlier run tells another one. */
const usualIntervalDays = 7;
const msPerDay = 86_400_000;

/**
 * Which part to read now, so that all parts are read within the days. The number of parts follows the interval between
 * runs: with a run a week and 90 days it is 12.
 */
export function nextRotation(
  withinDays: number,
  previous: Rotation | undefined,
  now: Date,
): { readonly parts: number; readonly part: number } {
  const sinceDays =
    previous === undefined ? usualIntervalDays : (now.getTime() - Date.parse(previous.lastRead)) / msPerDay;
  const intervalDays = Math.max(1, Math.round(sinceDays)); // timers are delayed by some hours at random
  const parts = Math.max(1, Math.floor(withinDays / intervalDays));
  // A round that has begun is ended with its own number of parts, unless it has become too slow for that.
  const isGoing = previous !== undefined && previous.next > 1 && previous.parts <= parts;
  return isGoing ? { parts: previous.parts, part: previous.next } : { parts, part: 1 };
}

/** The rotation after that part was read without an error. */
export function advanced({ parts, part }: { readonly parts: number; readonly part: number }, now: Date): Rotation {
  return { parts, next: part < parts ? part + 1 : 1, lastRead: now.toISOString() };
}

/** restic check's arguments for the plan; a rotation's part is `n/t`. */
export function readDataArguments(plan: ReadDataPlan, part: string): readonly string[] {
  if (plan.type === 'none') return [];
  if (plan.type === 'all') return ['--read-data'];
  return ['--read-data-subset', plan.type === 'subset' ? plan.subset : part];
}
