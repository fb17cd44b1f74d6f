/**
 * A path as bytes: names on Linux are bytes, not text. Each character of the string is one byte (latin1), so that
 * equal strings are equal names and comparing is cheap. Relative, `/` between components, none at either end.
 */
export type BytePath = string;

export function bytesOf(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

export function bytePathOf(text: string): BytePath {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * The order of the index and of every walk: by component, so that a folder comes directly before what is in it
 * (`a`, `a/x`, `a-b`; plain byte order would put `a-b` between).
 */
export function comparePaths(a: BytePath, b: BytePath): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** The slash sorts before every byte that a name can hold. */
function rank(byte: number): number {
  return byte === 0x2f ? 0 : byte;
}

/** The parent's path, or undefined for a path of one component. */
export function parentOf(path: BytePath): BytePath | undefined {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? undefined : path.slice(0, slash);
}

/**
 * Bytes as text that can be read and turned back: valid UTF-8 as it is, every other byte as `\xNN`, a backslash
 * doubled. The form of paths in the index and in everything people see.
 */
export function escapeBytes(path: BytePath): string {
  if (isPlainAscii.test(path)) return path;
  const text = bytesOf(path.replaceAll('\\', '\\\\')).toString('utf8');
  return text.includes('\ufffd') ? escapeInvalid(path) : text;
}

/** Printable ASCII without the backslash. */
const isPlainAscii = /^[ -[\]-~]*$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function escapeInvalid(path: BytePath): string {
  const bytes = bytesOf(path);
  let text = '';
  for (let index = 0; index < bytes.length; ) {
    const length = validSequenceAt(bytes, index);
    const piece = bytes.subarray(index, index + Math.max(length, 1));
    if (length === 0) text += `\\x${piece.toString('hex')}`;
    else text += piece.toString('utf8').replace('\\', '\\\\');
    index += piece.length;
  }
  return text;
}

/** Length of the valid UTF-8 sequence that begins there, 0 when none does. */
function validSequenceAt(bytes: Buffer, start: number): number {
  for (let length = 1; length <= 4 && start + length <= bytes.length; length += 1) {
    try {
      utf8.decode(bytes.subarray(start, start + length));
      return length;
    } catch {
      // not yet a whole character
    }
  }
  return 0;
}

/** The inverse of `escapeBytes`; undefined when the text is not its output. */
export function unescapeBytes(text: string): BytePath | undefined {
  if (isPlainAscii.test(text)) return text;
  if (!text.includes('\\')) return bytePathOf(text);
  let path = '';
  for (const part of text.match(/\\x[0-9a-f]{2}|\\\\|[^\\]+|\\/g) ?? []) {
    if (part === '\\') return undefined;
    if (part === '\\\\') path += '\\';
    else if (part.startsWith('\\x')) path += String.fromCharCode(Number.parseInt(part.slice(2), 16));
    else path += bytePathOf(part);
  }
  return path;
}
