/**
 * The parts, one after the other, in memory of their own, which can be handed to another thread: in `room` where they
 * fit, else in new memory.
 */
export function joined(parts: readonly Uint8Array[], room = new ArrayBuffer(0)): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const fits = length <= room.byteLength;
  const bytes = fits ? Buffer.from(room, 0, length) : Buffer.allocUnsafeSlow(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The bytes themselves where nothing else lies in their memory, else a copy; either can be handed to another thread. */
export function ownMemory(bytes: Buffer): Buffer {
  return bytes.length === bytes.buffer.byteLength ? bytes : joined([bytes]);
}
