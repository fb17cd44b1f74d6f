import type { Command } from '#common/process/command.ts';

/** What systemd says of a unit. */
export interface UnitState {
  readonly id: string;
  /** `loaded`, `not-found`, `masked` … */
  readonly load: string;
  /** `active`, `inactive`, `failed`, `activating` … */
  readonly active: string;
}

const properties = ['Id', 'LoadState', 'ActiveState'] as const;

export function showUnits(units: readonly string[]): Command {
  const args = ['show', `--property=${properties.join(',')}`, '--', ...units];
  return { file: 'systemctl', args, timeoutMs: 30_000 };
}

/** The answer of `systemctl show`: one block of `Key=value` lines for each unit asked for, in that order. */
export function parseUnits(output: string): readonly UnitState[] {
  return output
    .trim()
    .split(/\n\n+/)
    .filter((block) => block !== '')
    .map((block) => {
      const values = new Map(block.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
      const value = (key: (typeof properties)[number]) => values.get(key) ?? '';
      return { id: value('Id'), load: value('LoadState'), active: value('ActiveState') };
    });
}

export function isRunning({ active }: UnitState): boolean {
  return active === 'active' || active === 'activating' || active === 'reloading';
}
