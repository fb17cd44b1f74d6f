import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, Intervention, RecoveryContext } from '#common/plugin/collector.ts';
import type { CommandResult } from '#common/process/command.ts';
import { type SystemdOptions, systemdSchema } from './systemd-schema.ts';
import { isRunning, parseUnits, showUnits, type UnitState } from './unit-states.ts';

/** The units that ran, in the order in which they are stopped. */
interface StoppedUnits {
  readonly units: readonly string[];
  readonly timeoutMs: number;
}

const stop: Intervention<SystemdOptions, StoppedUnits> = {
  async plan(options, context) {
    const running = (await statesOf(options.units, context)).flatMap((state, index) =>
      isRunning(state) ? [options.units[index] ?? ''] : [],
    );
    if (running.length === 0) return undefined;
    return { units: running, timeoutMs: (parseDuration(options.timeout) ?? 0) * 1000 };
  },

  describe: ({ units }) => units.join(', '),

  async begin({ units, timeoutMs }, context) {
    for (const unit of units) await systemctl('stop', unit, context, timeoutMs);
    const left = (await statesOf(units, context)).filter(isRunning);
    if (left.length === 0) return;
    throw new BackupError(`systemd: ${left.map(({ id }) => id).join(', ')} did not stay stopped`, {
      hint: 'Something starts it again, such as its socket or a timer; list that before it.',
    });
  },

  async end({ units }, context) {
    for (const unit of [...units].reverse()) await systemctl('start', unit, context);
  },
};

/** Collects nothing: it stops units for the other tasks of the service. */
export const systemdCollector: Collector<SystemdOptions> = {
  name: 'systemd',
  taskKeys: ['systemd'],
  phase: 'quiesced',
  schema: systemdSchema,
  stop,

  async check({ units }, context) {
    const own = units.find((unit) => unit.startsWith('local-backup'));
    if (own !== undefined) throw new BackupError(`systemd: ${own} is the backup itself`, { hint: 'Leave it out.' });
    for (const [index, { load }] of (await statesOf(units, context)).entries()) {
      if (load === 'loaded') continue;
      throw new BackupError(`systemd: the unit ${units[index]} cannot be used: it is ${load}`, {
        hint: `Compare the name with "systemctl list-units --all" and "systemctl status ${units[index]}".`,
      });
    }
  },

  async collect() {},
};

async function statesOf(units: readonly string[], { runner }: RecoveryContext): Promise<readonly UnitState[]> {
  const result = await runner.run(showUnits(units));
  const states = parseUnits(result.stdout);
  if (result.exitCode === 0 && states.length === units.length) return states;
  throw new BackupError(`systemd: cannot ask for the units${saidBy(result)}`, {
    hint: 'systemctl must reach the system manager; "systemctl is-system-running" tells whether it does.',
  });
}

async function systemctl(
  verb: 'start' | 'stop',
  unit: string,
  { runner }: RecoveryContext,
  timeoutMs?: number,
): Promise<void> {
  const command = { file: 'systemctl', args: [verb, '--', unit] };
  const result = await runner.run(timeoutMs === undefined ? command : { ...command, timeoutMs });
  if (result.exitCode === 0) return;
  throw new BackupError(`systemd: ${unit} could not be ${verb === 'stop' ? 'stopped' : 'started'}${saidBy(result)}`, {
    hint: `See "systemctl status ${unit}" and "journalctl -u ${unit}".`,
  });
}

function saidBy({ timedOut, stderr }: CommandResult): string {
  if (timedOut) return ' in time';
  const said = stderr.trim().split('\n').slice(-3).join(' / ');
  return said === '' ? '' : `: ${said}`;
}
