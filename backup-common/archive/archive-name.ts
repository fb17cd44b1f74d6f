import { instantOf } from './zoned-time.ts';

/** What the name `<host>-<YYYYMMDD_HHMMSS>.tar.gz` says. */
export interface ArchiveName {
  readonly fileName: string;
  /** `YYYYMMDD_HHMMSS`, as it stands in the name. */
  readonly timestamp: string;
  readonly time: Date;
}

/** How far a client's clock may be ahead before its archive is left out of the choice. */
const toleratedAheadMs = 10 * 60_000;

/** The name of an archive made at `date`; its time is UTC, in whole seconds. */
export function formatArchiveName(host: string, date: Date): ArchiveName {
  const timestamp = formatTimestamp(date);
  const time = new Date(Math.floor(date.getTime() / 1000) * 1000);
  return { fileName: `${host}-${timestamp}.tar.gz`, timestamp, time };
}

/**
 * Reads the name of an archive of exactly this host; undefined for any other file, also one of `<host>-2`, and for
 * a time that no calendar has. `timeZone` is the IANA zone of the time in the name: UTC in archives of ours.
 */
export function parseArchiveName(host: string, fileName: string, timeZone = 'UTC'): ArchiveName | undefined {
  if (!fileName.startsWith(`${host}-`)) return undefined;
  const match = /^((\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d))\.tar\.gz$/.exec(fileName.slice(host.length + 1));
  if (match === null) return undefined;
  const [year = 0, month = 0, ...rest] = match.slice(2).map(Number);
  const wallClock = new Date(Date.UTC(year, month - 1, ...rest));
  const timestamp = match[1] ?? '';
  if (formatTimestamp(wallClock) !== timestamp) return undefined; // 31 February, 25 o'clock
  return { fileName, timestamp, time: instantOf(wallClock, timeZone) };
}

interface ArchiveChoice<File> {
  /** Undefined when the host has no archive here that may be used. */
  readonly newest: (File & ArchiveName) | undefined;
  /** One for each archive that was left out because its time has not come yet. */
  readonly warnings: readonly string[];
}

interface ArchiveChoiceInput<File> {
  readonly files: readonly File[];
  readonly host: string;
  readonly now: Date;
  readonly timeZone?: string;
}

/** The newest archive of the host by the time in its name, never by its mtime. */
export function chooseArchive<File extends { readonly fileName: string }>(
  input: ArchiveChoiceInput<File>,
): ArchiveChoice<File> {
  const archives = archivesOf(input.files, input.host, input.timeZone);
  const latestMs = input.now.getTime() + toleratedAheadMs;
  const ahead = archives.filter(({ time }) => time.getTime() > latestMs);
  const newest = archives.find(({ time }) => time.getTime() <= latestMs);
  return { newest, warnings: ahead.map((archive) => describeAhead(archive, input.now)) };
}

/** The files that are archives of the host, newest first; where zone changes make two times equal, the name decides. */
export function archivesOf<File extends { readonly fileName: string }>(
  files: readonly File[],
  host: string,
  timeZone?: string,
): readonly (File & ArchiveName)[] {
  return files
    .flatMap((file) => {
      const name = parseArchiveName(host, file.fileName, timeZone);
      return name === undefined ? [] : [{ ...file, ...name }];
    })
    .sort((a, b) => b.time.getTime() - a.time.getTime() || (a.timestamp < b.timestamp ? 1 : -1));
}

function describeAhead({ fileName, time }: ArchiveName, now: Date): string {
  return (
    `${fileName} is left out: by its name it was made at ${time.toISOString()}, but here it is only ` +
    `${now.toISOString()}. Compare the clocks of both machines and the setting archive_time_zone.`
  );
}

/** `20261128_030512`, in UTC. */
export function formatTimestamp(date: Date): string {
  const [day = '', time = ''] = date.toISOString().split('T');
  return `${day.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
}
