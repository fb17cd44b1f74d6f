import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** The machine's full name as `hostname -f` gives it: from /etc/hosts; the short one where there is none. */
export async function fullHostname(): Promise<string> {
  return fullNameIn(await readFile('/etc/hosts', 'utf8').catch(() => ''), hostname());
}

/** The first name in the text of a hosts file that stands beside the short one and begins with it. */
export function fullNameIn(hosts: string, short: string): string {
  if (short.includes('.')) return short;
  for (const line of hosts.split('\n')) {
    const [, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const full = names.find((name) => name.startsWith(`${short}.`));
    if (full !== undefined && names.includes(short)) return full;
  }
  return short;
}
