import type { CommandContext, CommandOutcome } from '../cli.ts';
import { exitCodes } from '../errors.ts';
import { fullHostname } from '../full-hostname.ts';
import { execaRunner } from '../process/execa-runner.ts';
import type { Runner } from '../process/runner.ts';
import type { Mail } from './mail.ts';
import { mailSettings } from './mail-settings.ts';
import { sendMail } from './mailer.ts';

/** How a unit ended, as systemd tells the units in its OnFailure= by MONITOR_… variables. */
export interface UnitFailure {
  readonly unit: string;
  /** Such as `exit-code`, `signal`, `timeout`. */
  readonly result: string;
  /** An exit code or the name of a signal. */
  readonly status: string;
  readonly invocation: string | undefined;
}

export function unitFailure(unit: string, env: NodeJS.ProcessEnv): UnitFailure {
  const {
    MONITOR_SERVICE_RESULT: result = 'failed',
    MONITOR_EXIT_STATUS: status = '',
    MONITOR_INVOCATION_ID: id,
  } = env;
  return { unit, result, status, invocation: id };
}

/** With exit code 1 the run came to its end and has told of its failures itself. */
export function isTold({ result, status }: UnitFailure): boolean {
  return result === 'exit-code' && status === String(exitCodes.failed);
}

export function unitFailureMail(
  { unit, result, status }: UnitFailure,
  hostname: string,
  lines: string,
): Omit<Mail, 'to'> {
  const how = [result, status].filter((word) => word !== '').join(' ');
  const text = [
    `${unit} on ${hostname} ended before it could tell of it: ${how}.`,
    '',
    'The last lines of its journal:',
    '',
    lines.trim() === '' ? '(none)' : lines.trim(),
    '',
    `More: journalctl --unit=${unit}`,
  ];
  return { subject: `[Backup] ${hostname} - ${unit} FAILED (${how})`, text: text.join('\n'), isUrgent: true };
}

/**
 * The command `report-failure UNIT` of a program whose configuration is in `fileName`: mails what a run could not tell
 * itself, because its configuration is wrong, it was killed or took too long.
 */
export function reportFailure(fileName: string) {
  return async ({ args: [unit = ''], configDir, dryRun }: CommandContext): Promise<CommandOutcome> => {
    const failure = unitFailure(unit, process.env);
    if (isTold(failure)) return { exitCode: exitCodes.done, text: 'told by the run itself', json: failure };
    const { transport, adminEmail } = await mailSettings(configDir, fileName);
    const runner = execaRunner();
    const hostname = await fullHostname();
    const mail = { to: adminEmail, ...unitFailureMail(failure, hostname, await journalOf(failure, runner)) };
    if (!dryRun) await sendMail(mail, transport, { runner, hostname });
    return { exitCode: exitCodes.done, text: `mailed to ${adminEmail}: ${mail.subject}`, json: mail };
  };
}

async function journalOf({ unit, invocation }: UnitFailure, runner: Runner): Promise<string> {
  const which = invocation === undefined ? `--unit=${unit}` : `_SYSTEMD_INVOCATION_ID=${invocation}`;
  try {
    await runner.run({ file: 'journalctl', args: ['--sync'], timeoutMs: 10_000 });
    const args = ['--no-pager', '--output=cat', '--lines=40', which];
    return (await runner.run({ file: 'journalctl', args, timeoutMs: 30_000 })).stdout;
  } catch {
    return ''; // the mail matters more
  }
}
