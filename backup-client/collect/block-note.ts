import { createHash } from 'node:crypto';
import type { WrittenItem } from '#common/archive/index-writer.ts';
import type { PackedPart } from '#common/archive/pack-members.ts';
import { type Identity, stateAsIndexed } from './entry-state.ts';

/** What is remembered of an item: its members, and the identities of its entries; none where it must be read again. */
export interface ItemNote {
  readonly parts: readonly PackedPart[];
  readonly identities: readonly (Identity | undefined)[];
}

const digestBytes = 32;

/**
 * The note as it is kept: the digest, zeros for none, and the items. Not compressed: each run reads all notes, and hashes
 * hardly shrink. Identities come as the items' notes.
 */
export function noteOf(items: readonly WrittenItem[]): Buffer {
  const digest = Buffer.alloc(digestBytes);
  digest.write(digestOfItems(items) ?? '', 'hex');
  return Buffer.concat([digest, Buffer.from(items.map(formatItem).join(''), 'latin1')]);
}

/** Names of one file are looked at one by one, since what one name becomes depends on the others. */
function digestOfItems(items: readonly WrittenItem[]): string | undefined {
  const states: string[] = [];
  for (const { entries, notes } of items) {
    for (const [index, entry] of entries.entries()) {
      const identity = notes[index];
      if (identity === undefined || entry.linked || entry.type === 'hardlink') return undefined;
      states.push(stateAsIndexed(entry, identity));
    }
  }
  return digestOf(states);
}

export function digestOf(states: readonly string[]): string {
  return createHash('sha256').update(states.join('\n'), 'latin1').digest('hex');
}

/** `<length>:<sha256>,…|<identity>;…`, `-` for no identity. */
function formatItem({ parts, notes }: WrittenItem): string {
  const members = parts.map(({ length, sha256 }) => `${length}:${sha256}`).join(',');
  return `${members}|${notes.map((identity) => identity ?? '-').join(';')}\n`;
}

/**
 * Of the states of all entries of a block (`digestOf`, hex); undefined when one of them cannot be told by its state
 * alone.
 */
export function digestIn(note: Buffer): string | undefined {
  const digest = note.subarray(0, digestBytes);
  return digest.some((byte) => byte !== 0) ? digest.toString('hex') : undefined;
}

export function itemsIn(note: Buffer): readonly ItemNote[] {
  const lines = note.toString('latin1', digestBytes).split('\n');
  return lines.slice(0, -1).map(parseItem);
}

function parseItem(line: string): ItemNote {
  const [members = '', identities = ''] = line.split('|');
  const parts = members.split(',').filter((part) => part !== '');
  return {
    parts: parts.map((part) => {
      const colon = part.indexOf(':');
      return { length: Number(part.slice(0, colon)), sha256: part.slice(colon + 1) };
    }),
    identities: identities.split(';').map((identity) => (identity === '-' ? undefined : identity)),
  };
}
