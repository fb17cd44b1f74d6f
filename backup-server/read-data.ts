import { parseDuration } from '#common/config/duration.ts';

/** How much of the stored data a check reads. */
export type ReadDataPlan =
  | { readonly type: 'none' }
  | { readonly type: 'all' }
  /** In restic's form: `10%`, `1/5` or `5G`. */
  | { readonly type: 'subset'; readonly subset: string }
  /** Another part each time, all of it within so many days. */
  | { readonly type: 'rotate'; readonly withinDays: number };

interface ReadDataSection {
  readonly check_read_data_mode?: string | boolean | number | undefined;
  readonly check_read_data_within?: string | undefined;
}

/** What the two keys of the configuration mean; undefined when the older one makes no sense. */
export function parseReadData(section: ReadDataSection): ReadDataPlan | undefined {
  if (section.check_read_data_within !== undefined) {
    return { type: 'rotate', withinDays: Math.max(1, (parseDuration(section.check_read_data_within) ?? 0) / 86_400) };
  }
  const mode = String(section.check_read_data_mode ?? 'false');
  if (mode === 'true') return { type: 'all' };
  if (mode === 'false' || mode === '') return { type: 'none' };
  return isSubset(mode) ? { type: 'subset', subset: mode } : undefined;
}

/** What restic takes: a part of the whole such as `10%`, the n-th of at most 256 parts such as `1/5`, or a size such as `5G`. */
function isSubset(text: string): boolean {
  const [, percentage] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percentage !== undefined) return Number(percentage) > 0 && Number(percentage) <= 100;
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (part !== undefined) return Number(part) >= 1 && Number(part) <= Number(parts) && Number(parts) <= 256;
  return /^[1-9]\d*[KMGT]$/.test(text);
}
