/** Whether a moment lies within one of the spans `22:00-06:00`, by local time. The end does not belong to a span. */
export function isWithinHours(spans: readonly string[], now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  return spans.some((span) => {
    const [from = 0, to = 0] = span.split('-').map(minuteOf);
    if (from < to) return from <= minute && minute < to;
    return minute >= from || minute < to; // over midnight; the whole day when both are the same
  });
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
