const dayMs = 24 * 3600_000;

/**
 * The instant at which clocks in `timeZone` (IANA) show what `wallClock` shows in UTC. An hour that comes twice means
 * its first pass; one that is jumped over means the same time after the jump's beginning, as if no clock had changed.
 */
export function instantOf(wallClock: Date, timeZone: string): Date {
  if (timeZone === 'UTC') return wallClock;
  const shownMs = wallClock.getTime();
  const before = offsetMs(shownMs - dayMs, timeZone);
  const after = offsetMs(shownMs + dayMs, timeZone);
  const candidates = [shownMs - before, shownMs - after].filter((ms) => ms + offsetMs(ms, timeZone) === shownMs);
  return new Date(candidates.length > 0 ? Math.min(...candidates) : shownMs - before);
}

/** How far clocks in the zone are ahead of UTC at that instant. */
function offsetMs(instantMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const shown = Object.fromEntries(format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - instantMs;
}
