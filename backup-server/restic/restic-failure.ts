import { BackupError } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';
import { redact } from '#common/redact.ts';

interface KnownFailure {
  readonly kind: string;
  /** Exit code of restic 0.17 and later. */
  readonly exitCode?: number;
  /** What older ones say. */
  readonly message: RegExp;
  readonly what: string;
  readonly hint: (repository: string) => string;
}

const known: readonly KnownFailure[] = [
  {
    kind: 'wrong-password',
    exitCode: 12,
    message: /wrong password or no key found/,
    what: 'the password is wrong',
    hint: () => 'Compare password_file with the password the repository was made with; there is no way around it.',
  },
  {
    kind: 'locked',
    exitCode: 11,
    message: /repository is already locked/, // not "unable to create lock": the reason may be rights or a full disk
    what: 'the repository is locked by another restic',
    hint: (repository) => `Wait until it has ended. If none runs any more: restic -r ${repository} unlock`,
  },
  {
    kind: 'no-space',
    message: /no space left on device|disk quota exceeded/i,
    what: 'the storage is full',
    hint: () => 'Make room there. "restic-maintenance run" frees what the policy no longer keeps.',
  },
  {
    kind: 'denied',
    message:
      /permission denied|access denied|\b40[13]\b|forbidden|unauthorized|InvalidAccessKeyId|SignatureDoesNotMatch|signature/i,
    what: 'the storage refuses access',
    hint: () => 'Look at the rights of the folder, or at the credentials in env_file.',
  },
  {
    kind: 'unreachable',
    message:
      /connection refused|no such host|i\/o timeout|network is unreachable|connection reset|TLS handshake|unable to start the sftp session/i,
    what: 'the storage cannot be reached',
    hint: () => 'Look at the network, the address in repository_root, and the storage server.',
  },
  // After the two above: restic asks whether there is a repository also when it was refused or got no answer.
  {
    kind: 'no-repository',
    exitCode: 10,
    message: /Is there a repository at the following location|repository does not exist|unable to open config file/,
    what: 'there is no repository',
    hint: () => 'Make it with "backup-server init HOST". If there was one: is the storage mounted and reachable?',
  },
  {
    kind: 'damaged-repository',
    message:
      /repository contains errors|ciphertext verification failed|invalid data returned|LoadIndex returned errors|packs from index missing|not found in repository/,
    what: 'the repository is damaged',
    hint: () =>
      'Look at the disk and the memory of the storage, copy the repository, then follow the troubleshooting page of restic’s manual.',
  },
];

/** The error that a failed run of restic stands for, with what to do about it. */
export function resticFailure(what: string, repository: string, result: CommandResult): BackupError {
  const shown = redact(repository);
  const found = known.find(
    ({ exitCode, message }) => (exitCode !== undefined && result.exitCode === exitCode) || message.test(result.stderr),
  );
  const said = redact(lastLines(result.stderr));
  if (found !== undefined) {
    const cause = new BackupError(`restic said: ${said}`);
    return new BackupError(`${what}: ${found.what} (${shown})`, { kind: found.kind, hint: found.hint(shown), cause });
  }
  const how = result.timedOut ? 'took too long' : (result.signal ?? `exit code ${result.exitCode}`);
  return new BackupError(`${what} failed (${how}): ${said}`, { hint: `Try it by hand: restic -r ${shown} snapshots` });
}

function lastLines(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => messageIn(line).split('\n'))
    .filter((line) => line.trim() !== '')
    .slice(-3)
    .join(' / ');
}

/** restic 0.17 and later put the last error of a command with --json in JSON. */
function messageIn(line: string): string {
  if (!line.startsWith('{"message_type":"exit_error"')) return line;
  try {
    return String((JSON.parse(line) as { message?: unknown }).message);
  } catch {
    return line;
  }
}
