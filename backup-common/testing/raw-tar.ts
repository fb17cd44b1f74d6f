import { gzipSync } from 'node:zlib';
import { encodePax, type PaxRecord } from '../archive/pax.ts';
import { paddingAfter } from '../archive/tar-header.ts';

/** An entry as an attacker writes it: whatever fits into a header. Numbers are octal in ustar's fields. */
export interface RawEntry {
  readonly name: string;
  /** ustar's flag; `0` (a file) when left out. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  /** The size in the header, where it lies. */
  readonly size?: number;
  readonly mode?: number;
  /** A PAX header before the entry. */
  readonly pax?: readonly PaxRecord[];
}

/** A tar stream with its end. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(rawEntry), Buffer.alloc(1024)]);
}

export function rawTarGz(entries: readonly RawEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

function rawEntry(entry: RawEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const own = [header(entry, content.length), content, Buffer.alloc(paddingAfter(content.length))];
  if (entry.pax === undefined) return own;
  const pax = encodePax(entry.pax);
  return [header({ name: 'pax', type: 'x' }, pax.length), pax, Buffer.alloc(paddingAfter(pax.length)), ...own];
}

function header({ name, type = '0', link = '', size, mode = 0o644 }: RawEntry, length: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(name, 0, 100, 'latin1');
  block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, 'latin1');
  block.write(`${octal(size ?? length, 11)}\0${octal(1_700_000_000, 11)}\0        ${type}`, 124, 'latin1');
  block.write(link, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}
