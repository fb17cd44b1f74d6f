import type { Socket } from 'node:net';
import type SftpClient from 'ssh2-sftp-client';
import { connectionClosed, connectionLost, wentSilent } from './sftp-failures.ts';
import type { SftpTarget } from './sftp-target.ts';

/** The protocol's own requests, with callbacks, of which many may be under way at once. */
export type SftpRequests = Awaited<ReturnType<SftpClient['connect']>>;
export type Answer<T> = (error?: Error | null, value?: T) => void;

const closingMs = 2000;

interface SftpSessionParts {
  readonly target: SftpTarget;
  readonly client: SftpClient;
  readonly sftp: SftpRequests;
  readonly socket: Socket;
  readonly signal: AbortSignal;
}

/**
 * A connection that answers every request or fails it: when it breaks, when the host leaves all requests unanswered
 * for `silenceMs`, or when the run is aborted. After that every further request fails with the same error.
 */
export class SftpSession {
  readonly target: SftpTarget;
  readonly #parts: SftpSessionParts;
  readonly #unanswered = new Set<(reason: unknown) => void>();
  readonly #abort = () => this.#end(this.#parts.signal.reason);
  #silence: NodeJS.Timeout | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(parts: SftpSessionParts) {
    this.#parts = parts;
    this.target = parts.target;
    const lost = (cause?: unknown) => this.#end(connectionLost(this.target, cause));
    parts.client.on('error', lost);
    parts.client.on('close', () => lost());
    parts.sftp.on('error', lost);
    parts.sftp.on('close', () => lost());
    parts.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Sends one request. Rejects with the host's own refusal as it is, and with a BackupError for all else. */
  async request<T>(send: (sftp: SftpRequests, answer: Answer<T>) => void): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended.reason;
    this.#gatherRequests();
    return new Promise<T>((resolve, reject) => {
      this.#expect(reject);
      send(this.#parts.sftp, (error, value) => {
        if (!this.#unanswered.has(reject)) return;
        if (error && !isRefusal(error)) return this.#end(connectionLost(this.target, error));
        this.#settle(reject);
        if (error) reject(error);
        else resolve(value as T);
      });
    });
  }

  /** Never rejects: all that was asked for has been answered, and a peer that has gone needs no farewell. */
  async close(): Promise<void> {
    const isOpen = this.#ended === undefined;
    const { client, socket } = this.#parts;
    this.#refuse(connectionClosed(this.target));
    const timer = setTimeout(() => socket.destroy(), closingMs);
    try {
      if (isOpen) await client.end();
    } catch {
      // the connection broke while it was being closed
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }

  /** What is asked for at the same time leaves in one write: one for each request would take longer than its answer. */
  #gatherRequests(): void {
    const { socket } = this.#parts;
    if (socket.writableCorked > 0) return;
    socket.cork();
    process.nextTick(() => socket.uncork());
  }

  #expect(reject: (reason: unknown) => void): void {
    if (this.#unanswered.size === 0) {
      const { silenceMs } = this.target;
      this.#silence = setTimeout(() => this.#end(wentSilent(this.target, silenceMs)), silenceMs);
    }
    this.#unanswered.add(reject);
  }

  #settle(reject: (reason: unknown) => void): void {
    this.#unanswered.delete(reject);
    if (this.#unanswered.size === 0) clearTimeout(this.#silence);
    else this.#silence?.refresh();
  }

  #end(reason: unknown): void {
    this.#refuse(reason);
    this.#parts.socket.destroy();
  }

  #refuse(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    clearTimeout(this.#silence);
    this.#parts.signal.removeEventListener('abort', this.#abort);
    for (const reject of this.#unanswered) reject(reason);
    this.#unanswered.clear();
  }
}

/** A status that the host sent has a number; an error of the connection has none or a text. */
function isRefusal(error: Error): boolean {
  return 'code' in error && typeof error.code === 'number';
}
