import { renderPart, renderReport } from '../run/render-report.ts';
import type { PartReport, RunReport } from '../run/report.ts';
import type { Mail } from './mail.ts';

export interface MailSettings {
  /** Who gets what concerns the run; nobody when undefined. */
  readonly adminEmail: string | undefined;
  readonly subjectPrefix: string;
  /** A host's own recipient. */
  readonly adminEmailOf?: (host: string) => string | undefined;
}

/** The mails of a client's run: one when it failed, none when it went well. */
export function clientMails(report: RunReport, settings: MailSettings): Mail[] {
  if (report.outcome !== 'failed') return [];
  return mail(
    settings,
    settings.adminEmail,
    `${report.hostname} - ${clientSubject(report)}`,
    renderReport(report),
    true,
  );
}

function clientSubject(report: RunReport): string {
  if (report.failure?.kind === 'shared-lock') return 'SHARED LOCK FAILED (TAR Creation)';
  const stopped = report.parts.find(({ failure }) => failure?.kind === 'still-stopped');
  if (stopped !== undefined) return `Backup FAILED, ${stopped.failure?.messages[0]}`;
  const failed = failedParts(report);
  return failed.length === 0 ? 'Backup FAILED' : `Backup FAILED for ${failed.join(', ')}`;
}

function failedParts(report: RunReport): string[] {
  return report.parts.filter((part) => part.outcome === 'failed').map((part) => part.name);
}

/** The mails of a server's run: one for each host that failed or was skipped, and a summary of every run. */
export function serverMails(report: RunReport, settings: MailSettings): Mail[] {
  return [...report.parts.flatMap((part) => hostMails(report, part, settings)), ...summaryMails(report, settings)];
}

/** The subject's word for each kind of skip. */
const skipTitles: Readonly<Record<string, string>> = {
  lock: 'Client TAR Lock',
  duplicate: 'Exact snapshot exists',
  older: 'Older TAR found',
  absent: 'Host absent',
  'nothing-new': 'No new archive',
};

function hostMails(report: RunReport, part: PartReport, settings: MailSettings): Mail[] {
  const to = settings.adminEmailOf?.(part.name) ?? settings.adminEmail;
  const body = [...renderPart(part), '', `${report.program} on ${report.hostname}, ${report.startedAt}`].join('\n');
  if (part.outcome === 'failed')
    return mail(settings, to, `Backup FAILED for host ${part.name}`, body, true, report.dryRun);
  if (part.skip === undefined) return [];
  const title = skipTitles[part.skip.kind] ?? part.skip.kind;
  return mail(settings, to, `Backup SKIPPED for host ${part.name} (${title})`, body, false, report.dryRun);
}

function summaryMails(report: RunReport, settings: MailSettings): Mail[] {
  const hasSkips = report.parts.some((part) => part.outcome === 'skipped');
  const result =
    report.outcome === 'failed' ? 'COMPLETED WITH ERRORS' : hasSkips ? 'COMPLETED WITH SKIPS' : 'SUCCESSFUL';
  const subject = `${report.hostname} - Backup Run ${result}`;
  return mail(settings, settings.adminEmail, subject, renderReport(report), report.outcome === 'failed', report.dryRun);
}

/** Maintenance tells of failures only, and names the hosts they are of. */
export function maintenanceMails(report: RunReport, settings: MailSettings): Mail[] {
  if (report.outcome !== 'failed') return [];
  const failed = failedParts(report);
  const names = failed.length === 0 ? '' : ` for ${failed.join(', ')}`;
  return mail(
    settings,
    settings.adminEmail,
    `${report.hostname} - Maintenance FAILED${names}`,
    renderReport(report),
    true,
    report.dryRun,
  );
}

function mail(
  settings: MailSettings,
  to: string | undefined,
  subject: string,
  text: string,
  isUrgent: boolean,
  dryRun = false,
): Mail[] {
  if (to === undefined) return [];
  const prefixed = `${settings.subjectPrefix} ${subject}`.trim();
  return [{ to, subject: dryRun ? `[DRY-RUN] ${prefixed}` : prefixed, text, isUrgent }];
}
