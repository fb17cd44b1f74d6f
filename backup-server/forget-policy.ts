/** One of restic's rules for keeping snapshots, such as `['--keep-daily', '7']`. */
export type KeepRule = readonly [flag: string, value: string];

/** How many snapshots to keep, as the configuration has it. */
export type PolicySection = string | { readonly [key in PolicyKey]?: number | string | undefined };
type PolicyKey = 'last' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly' | 'within';

/** The original's: 7 days, 4 weeks, 12 months, 3 years. */
const defaultPolicy: PolicySection = { daily: 7, weekly: 4, monthly: 12, yearly: 3 };

const countFlags = /^--keep-(last|hourly|daily|weekly|monthly|yearly)$/;
const withinFlags = /^--keep-within(-(hourly|daily|weekly|monthly|yearly))?$/;

/** The rules of a policy, or why it cannot be used. A policy that keeps nothing cannot. */
export function parsePolicy(policy: PolicySection = defaultPolicy): readonly KeepRule[] | string {
  const rules = typeof policy === 'string' ? parseArguments(policy) : rulesOf(policy);
  if (typeof rules === 'string') return rules;
  return rules.some(keepsAny) ? rules : 'keeps nothing at all; say how many snapshots to keep';
}

/** Counts begin at 1, but a span can be none: `--keep-within 0d`. */
function keepsAny([, value]: KeepRule): boolean {
  return /[1-9]/.test(value);
}

function rulesOf(policy: Exclude<PolicySection, string>): readonly KeepRule[] {
  return Object.entries(policy).flatMap(([key, value]) =>
    value === undefined ? [] : [[`--keep-${key}`, String(value)] as const],
  );
}

/** The original's form: `--keep-daily 7 --keep-weekly=4`. Other arguments of restic forget are not for here. */
function parseArguments(text: string): readonly KeepRule[] | string {
  const rules: KeepRule[] = [];
  const words = text.trim().split(/[\s=]+/);
  for (let index = 0; index < words.length; index += 2) {
    const flag = words[index] ?? '';
    const value = words[index + 1] ?? '';
    if (flag === '--prune' || flag === '--group-by')
      return `"${flag}" is decided elsewhere (maintenance.prune; snapshots are grouped by host)`;
    const isCount = countFlags.test(flag) && /^[1-9]\d*$/.test(value);
    const isWithin = withinFlags.test(flag) && /^(\d+[ymdh])+$/.test(value);
    if (!isCount && !isWithin)
      return `"${`${flag} ${value}`.trim()}" is no rule such as --keep-daily 7 or --keep-within 2m`;
    rules.push([flag, value]);
  }
  return rules;
}
