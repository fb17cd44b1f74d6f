/** A mail, before anybody sends it. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Failures are marked as important, successes are not. */
  readonly isUrgent: boolean;
}

/** How mails leave this machine. */
export type MailTransport =
  | { readonly type: 'none' }
  | { readonly type: 'sendmail'; readonly command: readonly [file: string, ...args: string[]]; readonly from?: string }
  | {
      readonly type: 'smtp';
      readonly host: string;
      readonly port: number;
      readonly tls: 'none' | 'starttls' | 'implicit';
      readonly user?: string;
      /** Read when a mail is sent. */
      readonly password?: () => Promise<string>;
      readonly caFile?: string;
      readonly from?: string;
    };
