import { BackupError } from '../errors.ts';

/** One record of a PAX extended header; key and value are bytes as latin1. */
export type PaxRecord = readonly [key: string, value: string];

/** `<length> <key>=<value>\n` for each record (POSIX.1-2001, pax interchange format); length counts itself. */
export function encodePax(records: readonly PaxRecord[]): Buffer {
  return Buffer.from(records.map(encodeRecord).join(''), 'latin1');
}

function encodeRecord([key, value]: PaxRecord): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** The records in their order. Throws a BackupError on anything that is not exactly well formed. */
export function parsePax(data: Buffer): PaxRecord[] {
  const text = data.toString('latin1');
  const records: PaxRecord[] = [];
  for (let start = 0; start < text.length; ) {
    const blank = text.indexOf(' ', start);
    const digits = text.slice(start, blank);
    const end = start + Number(digits);
    const equals = text.indexOf('=', blank);
    const wellFormed = /^[1-9]\d{0,8}$/.test(digits) && equals > blank && equals < end && text[end - 1] === '\n';
    if (blank < 0 || !wellFormed || end > text.length) throw new BackupError('a PAX header is malformed');
    records.push([text.slice(blank + 1, equals), text.slice(equals + 1, end - 1)]);
    start = end;
  }
  return records;
}
