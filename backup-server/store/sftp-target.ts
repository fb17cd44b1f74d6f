/** Where to connect to, and how. */
export interface SftpTarget {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** A private key without a passphrase; the only way to log in. */
  readonly keyFile: string;
  /** For the whole way from the first packet to a usable SFTP session. */
  readonly connectTimeoutMs: number;
  /** How long the host may leave requests unanswered. */
  readonly silenceMs: number;
}
