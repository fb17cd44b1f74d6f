/** The settings of a systemd unit by their key, each with its words in order. */
export type UnitSettings = (key: string) => readonly string[];

/**
 * Reads a unit's text followed by that of its drop-ins. Lists grow from line to line, and an empty assignment forgets
 * what came before it, as in systemd. Sections are not told apart: no key that we ask for is in two of them.
 */
export function unitSettings(text: string): UnitSettings {
  const values = new Map<string, string[]>();
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [, key, value] = /^([A-Za-z]+)\s*=(.*)$/.exec(line.trim()) ?? [];
    if (key === undefined || value === undefined) continue;
    const words = value.match(/"[^"]*"|\S+/g) ?? [];
    const before = words.length === 0 ? [] : (values.get(key) ?? []);
    values.set(key, [...before, ...words.map((word) => word.replace(/^"(.*)"$/, '$1').replaceAll('%%', '%'))]);
  }
  return (key) => values.get(key) ?? [];
}

/** The value of a setting that has only one; the last line decides. */
export function lastOf(settings: UnitSettings, key: string): string {
  const value = settings(key).at(-1) ?? 'no';
  if (['1', 'true', 'on'].includes(value)) return 'yes';
  return value;
}
