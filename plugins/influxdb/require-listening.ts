import { once } from 'node:events';
import { connect } from 'node:net';
import { BackupError } from '#common/errors.ts';

const timeoutMs = 10_000;

/** Throws a BackupError unless something listens at `host:port`. `influxd backup` itself tries for minutes. */
export async function requireListening(address: string): Promise<void> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (port === '') {
    throw new BackupError(`influxdb: host is "${address}", which is no address of version 1`, {
      hint: 'Version 1 makes backups at host:port, 127.0.0.1:8088 when left out; see bind-address in influxdb.conf.',
    });
  }
  const socket = connect({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw new BackupError(`influxdb: nothing answers at ${address}`, {
      cause,
      hint: 'Is influxdb.service up? The address for backups is bind-address, at the top of influxdb.conf.',
    });
  } finally {
    socket.destroy();
  }
}
