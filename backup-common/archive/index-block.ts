import type { BytePath } from './byte-path.ts';
import { damaged, type Member } from './gzip-member.ts';
import { formatIndexEntry, type IndexEntry, parseIndexEntry } from './index-entry.ts';

/**
 * A step through the archive: a member, the entries whose headers lie in it, and the further members that hold the
 * rest of the last entry's content. Without a member the entries are recorded only (devices, sockets).
 */
export interface IndexItem<M extends Member = Member> {
  readonly member: M | undefined;
  readonly entries: readonly IndexEntry[];
  readonly chunks: readonly M[];
}

export interface PlacedMember extends Member {
  /** Where it begins in the archive. */
  readonly offset: number;
}

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
    if (member !== undefined) lines.push(formatMember('member', member));
    for (const entry of entries) lines.push(formatIndexEntry(entry));
    for (const chunk of chunks) lines.push(formatMember('chunk', chunk));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function formatMember(key: 'member' | 'chunk', { compressedLength, length, sha256 }: Member): string {
  return JSON.stringify({ [key]: [compressedLength, length, sha256] });
}

/** The items of a block with their places in the archive. */
export function parseBlock(text: string, membersOffset: number, where: string): IndexItem<PlacedMember>[] {
  const items: { member: PlacedMember | undefined; entries: IndexEntry[]; chunks: PlacedMember[] }[] = [];
  let offset = membersOffset;
  const place = (value: unknown): PlacedMember => {
    const member = { ...parseMember(value, where), offset };
    offset += member.compressedLength;
    return member;
  };
  for (const value of parseLines(text, where)) {
    const last = items.at(-1);
    if ('member' in value) items.push({ member: place(value.member), entries: [], chunks: [] });
    else if (!('chunk' in value)) {
      if (last === undefined || last.chunks.length > 0) {
        items.push({ member: undefined, entries: [parseIndexEntry(value)], chunks: [] });
      } else last.entries.push(parseIndexEntry(value));
    } else if (last === undefined || last.entries.length === 0) throw damaged(where, 'has a chunk of no file');
    else last.chunks.push(place(value.chunk));
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
  const [compressedLength, length, sha256] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!isLength(compressedLength) || !isLength(length) || length > maxLength || typeof sha256 !== 'string') {
    throw damaged(where, 'describes a member wrongly');
  }
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
