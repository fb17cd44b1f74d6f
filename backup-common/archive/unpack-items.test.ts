import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { rawTar } from '../testing/raw-tar.ts';
import { chunkHashOf, sha256Of } from './gzip-member.ts';
import type { IndexItem } from './index-block.ts';
import { type IndexEntry, indexEntryOf } from './index-entry.ts';
import type { TarEntry } from './tar-entry.ts';
import { encodeTarEntry, paddingAfter } from './tar-header.ts';
import type { Batch } from './unpack-batches.ts';
import { type UnpackResult, unpackItems } from './unpack-items.ts';

const text = Buffer.from('some text, '.repeat(100));
const file = fileOf('file', text);
const other = fileOf('other', Buffer.from('x'));

function fileOf(path: string, content: Buffer) {
  const tar: TarEntry = {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 1_700_000_000_000_000_000n,
    size: content.length,
    storedSize: content.length,
    link: undefined,
    attributes: [],
  };
  const padding = Buffer.alloc(paddingAfter(content.length));
  const header = encodeTarEntry(tar);
  return {
    entry: indexEntryOf(tar, { sha256: sha256Of(content) }),
    header,
    padding,
    whole: Buffer.concat([header, content, padding]),
  };
}

/** An item as the archive has it: the contents of its member and chunks. */
interface Packed {
  readonly entries: readonly IndexEntry[];
  readonly member?: Buffer;
  readonly chunks?: readonly Buffer[];
}

function memberOf(content: Buffer) {
  return { compressedLength: gzipSync(content).length, length: content.length };
}

function chunkOf(content: Buffer) {
  return { ...memberOf(content), sha256: chunkHashOf(content) };
}

function unpack(items: readonly Packed[], isOpen = false): UnpackResult {
  const planned = items.map(
    ({ entries, member, chunks = [] }): IndexItem => ({
      entries,
      member: member && memberOf(member),
      chunks: isOpen ? [] : chunks.map(chunkOf),
    }),
  );
  const contents = items.flatMap(({ member, chunks = [] }) => [...(member ? [member] : []), ...(isOpen ? [] : chunks)]);
  return unpackBatch({ type: 'items', items: planned, isOpen }, contents);
}

function unpackBatch(batch: Batch, contents: readonly Buffer[]): UnpackResult {
  return unpackItems({ name: 'web.tar.gz', batch, data: Buffer.concat(contents.map((content) => gzipSync(content))) });
}

describe('what is unpacked', () => {
  it('is the tar stream of all items, wherever their contents lie', () => {
    const chunks = [text.subarray(0, 700), Buffer.concat([text.subarray(700), file.padding])];
    const { bytes, openBytes } = unpack([
      { entries: [other.entry, file.entry], member: Buffer.concat([other.whole, file.header]), chunks },
      { entries: [{ ...other.entry, type: 'socket' }] },
      { entries: [file.entry], member: file.whole },
    ]);
    assert.ok(Buffer.concat([other.whole, file.whole, file.whole]).equals(bytes));
    assert.equal(openBytes, 0);
  });

  it('has its headers and its padding written anew', () => {
    const member = Buffer.from(file.whole).fill('!', file.whole.length - file.padding.length);
    const foreign = rawTar([{ name: './file', content: text, pax: [['atime', '1']] }]).subarray(0, -1024);
    for (const strange of [member, foreign])
      assert.ok(file.whole.equals(unpack([{ entries: [file.entry], member: strange }]).bytes));
  });

  it('is the headers alone where chunks are yet to come, and the chunks as they are', () => {
    const { bytes, openBytes } = unpack([{ entries: [file.entry], member: file.header, chunks: [text] }], true);
    assert.ok(file.header.equals(bytes));
    assert.equal(openBytes, text.length);
    const chunks = { type: 'chunks', chunks: [chunkOf(text), chunkOf(file.padding)], isLast: true } as const;
    assert.ok(Buffer.concat([text, file.padding]).equals(unpackBatch(chunks, [text, file.padding]).bytes));
  });
});

const { entry, header, whole, padding } = file;
const padded = Buffer.concat([text, padding]);
const lies: readonly (readonly [what: string, item: Packed, message: RegExp])[] = [
  [
    'a header that differs',
    { entries: [{ ...entry, mode: 0o600, uid: 1 }], member: whole },
    /^entry "file" of web.tar.gz differs from the index: mode, uid$/,
  ],
  [
    'a content that differs',
    { entries: [{ ...entry, sha256: 'a'.repeat(64) }], member: whole },
    /^entry "file" of web.tar.gz differs from the index: sha256$/,
  ],
  [
    'a file without a hash',
    { entries: [{ ...entry, sha256: undefined }], member: whole },
    /differs from the index: sha256$/,
  ],
  [
    'an entry more',
    { entries: [entry], member: Buffer.concat([whole, other.whole]) },
    /^entry "other" of web.tar.gz is not what the index has at this place$/,
  ],
  [
    'an entry less',
    { entries: [entry, other.entry], member: whole },
    /^web.tar.gz lacks entries that its index names$/,
  ],
  ['another entry', { entries: [entry], member: other.whole }, /^entry "other" of web.tar.gz is not what/],
  ['entries without a member', { entries: [entry] }, /^web.tar.gz lacks entries that its index names$/],
  [
    'an end in the middle',
    { entries: [entry], member: Buffer.concat([Buffer.alloc(1024), whole]) },
    /^entry "" of web.tar.gz is not what/,
  ],
  ['a header that is cut off', { entries: [entry], member: header.subarray(0, 500) }, /^the tar stream is cut off$/],
  ['a content that is cut off', { entries: [entry], member: whole.subarray(0, -1) }, /^the tar stream is cut off$/],
  [
    'a chunk less',
    { entries: [entry], member: header, chunks: [padded.subarray(0, 512)] },
    /^the tar stream is cut off$/,
  ],
  ['a chunk more', { entries: [entry], member: header, chunks: [padded, padding] }, /^the tar stream is cut off$/],
  [
    'chunks in another order',
    { entries: [entry], member: header, chunks: [padded.subarray(512), padded.subarray(0, 512)] },
    /differs from the index: sha256$/,
  ],
  ['a content before its chunks', { entries: [entry], member: whole, chunks: [padded] }, /checksum|malformed number/],
  [
    'chunks of what is only recorded',
    { entries: [{ ...entry, type: 'socket' }], chunks: [padded] },
    /^web.tar.gz has a chunk of no file$/,
  ],
];
describe('items that lie', () => {
  for (const [what, item, message] of lies) {
    it(`about ${what} are refused`, () => {
      assert.throws(() => unpack([item]), { name: 'BackupError', message });
    });
  }

  it('about chunks of what is only recorded are refused also when these are yet to come', () => {
    const item = { entries: [{ ...entry, type: 'socket' as const }], chunks: [padded] };
    assert.throws(() => unpack([item], true), /has a chunk of no file/);
  });
});
