import type { BytePath } from './byte-path.ts';
import { type Chunk, damaged, type Member } from './gzip-member.ts';
import { formatIndexEntry, type IndexEntry, parseIndexEntry } from './index-entry.ts';

/**
 * A step through the archive: a member, the entries whose headers lie in it, and the further members that hold the
 * rest of the last entry's content. Without a member the entries are recorded only (devices, sockets).
 */
export interface IndexItem<P = unknown> {
  readonly member: (Member & P) | undefined;
  readonly entries: readonly IndexEntry[];
  readonly chunks: readonly (Chunk & P)[];
}

/** Where a member begins in the archive. */
export interface Place {
  readonly offset: number;
}

export type PlacedItem = IndexItem<Place>;

/** A row of the table of blocks. */
export interface BlockRow {
  /** sha256 (hex) of the block's text: its name. */
  readonly sha256: string;
  readonly compressedLength: number;
  readonly length: number;
  /** Where the first member of its items begins in the archive; the others follow it without a gap. */
  readonly membersOffset: number;
  readonly entries: number;
}

/** The block's text: newline-delimited JSON, lengths only, no offsets. */
export function formatBlock(items: readonly IndexItem[]): string {
  const lines: string[] = [];
  for (const { member, entries, chunks } of items) {
    if (member !== undefined) lines.push(JSON.stringify({ member: [member.compressedLength, member.length] }));
    for (const entry of entries) lines.push(formatIndexEntry(entry));
    for (const { compressedLength, length, sha256 } of chunks)
      lines.push(JSON.stringify({ chunk: [compressedLength, length, sha256] }));
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The items of a block with their places in the archive. */
export function parseBlock(text: string, membersOffset: number, where: string): PlacedItem[] {
  const items: { member: (Member & Place) | undefined; entries: IndexEntry[]; chunks: (Chunk & Place)[] }[] = [];
  let offset = membersOffset;
  const placeOf = (length: number): number => {
    offset += length;
    return offset - length;
  };
  const place = (value: unknown): Member & Place => {
    const { compressedLength, length } = parseMember(value, where);
    return { compressedLength, length, offset: placeOf(compressedLength) };
  };
  const placeChunk = (value: unknown): Chunk & Place => {
    const { compressedLength, length, sha256 } = parseChunk(value, where);
    return { compressedLength, length, sha256, offset: placeOf(compressedLength) };
  };
  for (const value of parseLines(text, where)) {
    const last = items.at(-1);
    if ('member' in value) items.push({ member: place(value.member), entries: [], chunks: [] });
    else if (!('chunk' in value)) {
      if (last === undefined || last.chunks.length > 0) {
        items.push({ member: undefined, entries: [parseIndexEntry(value)], chunks: [] });
      } else last.entries.push(parseIndexEntry(value));
    } else if (last === undefined || last.entries.length === 0) throw damaged(where, 'has a chunk of no file');
    else last.chunks.push(placeChunk(value.chunk));
  }
  return items;
}

type Line = Readonly<Record<string, unknown>>;

/** Parsed in one go, which is quicker than line by line. */
function parseLines(text: string, where: string): readonly Line[] {
  try {
    const values = JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as readonly unknown[];
    if (values.every(isLine)) return values;
  } catch (error) {
    throw damaged(where, 'is no index', error);
  }
  throw damaged(where, 'is no index');
}

function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null;
}

function parseMember(value: unknown, where: string): Member {
  const [compressedLength, length] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!isLength(compressedLength) || !isLength(length) || length > maxLength) {
    throw damaged(where, 'describes a member wrongly');
  }
  return { compressedLength, length };
}

function parseChunk(value: unknown, where: string): Chunk {
  const sha256: unknown = Array.isArray(value) ? value[2] : undefined;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{32}$/.test(sha256)) throw damaged(where, 'describes a member wrongly');
  const { compressedLength, length } = parseMember(value, where);
  return { compressedLength, length, sha256 };
}

/** No member or block is larger; what claims to be would only serve to fill our memory. */
const maxLength = 64 * 1024 * 1024;

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** One line of the table. */
export function formatBlockRow(row: BlockRow): string {
  return JSON.stringify([row.sha256, row.compressedLength, row.length, row.membersOffset, row.entries]);
}

export function parseBlockRow(line: string, where: string): BlockRow {
  const value: unknown = JSON.parse(line);
  const [sha256, compressedLength, length, membersOffset, entries] = Array.isArray(value) ? (value as unknown[]) : [];
  const numbersFit = isLength(compressedLength) && isLength(length) && isLength(membersOffset) && isLength(entries);
  if (typeof sha256 !== 'string' || !numbersFit || length > maxLength) throw damaged(where, 'has a malformed table');
  return { sha256, compressedLength, length, membersOffset, entries };
}

/** The first path of a block, by which blocks are sorted. */
export function firstPathOf(items: readonly IndexItem[]): BytePath {
  return items.find((item) => item.entries.length > 0)?.entries[0]?.path ?? '';
}
