import { BackupError } from '#common/errors.ts';
import { fingerprintOf, formatPublicKey, type HostKey, type HostKeyVerdict, type HostTrust } from './host-trust.ts';
import { knownHostName } from './known-hosts.ts';
import type { SftpTarget } from './sftp-target.ts';

/** The kind of failures that another type of host key may avoid. */
export const hostKeyKind = 'host-key';

/** Why a host key was refused. */
export function hostKeyFailure(
  verdict: Exclude<HostKeyVerdict, 'trusted'>,
  key: HostKey,
  trust: HostTrust,
  target: SftpTarget,
): BackupError {
  const name = knownHostName(target.address, target.port);
  const shown = `${key.type} ${fingerprintOf(key)}`;
  switch (verdict) {
    case 'unknown':
      return new BackupError(`the host key of ${name} is not known: ${shown}`, {
        kind: hostKeyKind,
        hint:
          `Compare this fingerprint on the host itself: ssh-keygen -lf /etc/ssh/ssh_host_${familyOf(key)}_key.pub. ` +
          `If it is the same, add to the host in server_config.yml: host_key: "${formatPublicKey(key)}"; ` +
          `or to ${trust.from} the line: ${name} ${formatPublicKey(key)}`,
      });
    case 'changed':
      return new BackupError(
        `DANGER: ${name} shows a host key that is not the known one: ${shown}. Somebody may be between you and the host.`,
        {
          kind: hostKeyKind,
          hint:
            `Known are (${trust.from}): ${knownOnes(trust)}. Nothing was sent. Only if you know that the host got a new ` +
            'key, and the fingerprint is the same on the host itself, put the new key in the old one’s place.',
        },
      );
    case 'revoked':
      return new BackupError(`DANGER: ${name} shows a host key that was revoked: ${shown}`, {
        kind: hostKeyKind,
        hint: `It is marked @revoked in ${trust.from}: whoever has it may not be the host. Give the host a new key.`,
      });
  }
}

function knownOnes({ keys, fingerprints }: HostTrust): string {
  return [...keys.map((key) => `${key.type} ${fingerprintOf(key)}`), ...fingerprints].join(', ');
}

/** As the files of sshd are named. */
function familyOf({ type }: HostKey): string {
  if (type === 'ssh-rsa') return 'rsa';
  return type.startsWith('ecdsa-') ? 'ecdsa' : 'ed25519';
}
